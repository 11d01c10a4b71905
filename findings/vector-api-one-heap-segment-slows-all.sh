#!/bin/sh
# One use of the Vector API on a heap MemorySegment slows all later vector loads from native segments in the process.
#
# Seen with JDK 25.0.3 (Temurin) on x86-64 with AVX-512: a 4 x 4 tile of a matrix product, with 16 accumulators and four loads
# a step from native segments, runs at 114 GFLOP/s. In a process that has once moved vectors through a segment over a byte array,
# in another loop that has long ended, the same method runs at 60 to 64.
# Loads and stores ask the segment for its address, a virtual call. The compiler inlines it as long as it has seen one class of
# segments in the whole process; the profile is in the JDK's own method, which all callers share. Afterwards it has to test for the class at
# every load, and in large methods may give up and keep vectors as objects (then 2 to 60 ns a number were seen). The Vector API makes such a heap
# segment itself while reinterpreting casts are still interpreted, so the victim need not use any.
#
# Needs a JDK of at least 22. Exit code 0 if this is still so: the tile is slower by a third or more.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > Tile.java <<'JAVA'
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

class Tile {
  static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
  static final long WIDTH = 4L * S.length();
  static final long STEPS = 256;

  static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(S, from, at, LITTLE);
  }

  static FloatVector number(MemorySegment from, long at) {
    return FloatVector.broadcast(S, from.getAtIndex(ValueLayout.JAVA_FLOAT, at));
  }

  static void multiply(MemorySegment a, MemorySegment b, MemorySegment c) {
    FloatVector s0 = FloatVector.zero(S), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    FloatVector s8 = s0, s9 = s0, s10 = s0, s11 = s0, s12 = s0, s13 = s0, s14 = s0, s15 = s0;
    for (long i = 0; i < STEPS; i++) {
      long at = i * 4 * WIDTH;
      FloatVector x0 = load(b, at), x1 = load(b, at + WIDTH), x2 = load(b, at + 2 * WIDTH), x3 = load(b, at + 3 * WIDTH);
      FloatVector y = number(a, 4 * i);
      s0 = x0.fma(y, s0); s1 = x1.fma(y, s1); s2 = x2.fma(y, s2); s3 = x3.fma(y, s3);
      y = number(a, 4 * i + 1);
      s4 = x0.fma(y, s4); s5 = x1.fma(y, s5); s6 = x2.fma(y, s6); s7 = x3.fma(y, s7);
      y = number(a, 4 * i + 2);
      s8 = x0.fma(y, s8); s9 = x1.fma(y, s9); s10 = x2.fma(y, s10); s11 = x3.fma(y, s11);
      y = number(a, 4 * i + 3);
      s12 = x0.fma(y, s12); s13 = x1.fma(y, s13); s14 = x2.fma(y, s14); s15 = x3.fma(y, s15);
    }
    s0.intoMemorySegment(c, 0, LITTLE); s1.intoMemorySegment(c, WIDTH, LITTLE);
    s2.intoMemorySegment(c, 2 * WIDTH, LITTLE); s3.intoMemorySegment(c, 3 * WIDTH, LITTLE);
    s4.intoMemorySegment(c, 4 * WIDTH, LITTLE); s5.intoMemorySegment(c, 5 * WIDTH, LITTLE);
    s6.intoMemorySegment(c, 6 * WIDTH, LITTLE); s7.intoMemorySegment(c, 7 * WIDTH, LITTLE);
    s8.intoMemorySegment(c, 8 * WIDTH, LITTLE); s9.intoMemorySegment(c, 9 * WIDTH, LITTLE);
    s10.intoMemorySegment(c, 10 * WIDTH, LITTLE); s11.intoMemorySegment(c, 11 * WIDTH, LITTLE);
    s12.intoMemorySegment(c, 12 * WIDTH, LITTLE); s13.intoMemorySegment(c, 13 * WIDTH, LITTLE);
    s14.intoMemorySegment(c, 14 * WIDTH, LITTLE); s15.intoMemorySegment(c, 15 * WIDTH, LITTLE);
  }

  public static void main(String[] arguments) {
    if (arguments[0].equals("heap")) {
      MemorySegment heap = MemorySegment.ofArray(new byte[4096]);
      for (int i = 0; i < 20_000; i++) {
        load(heap, 0).intoMemorySegment(heap, 0, LITTLE);
      }
    }
    try (Arena arena = Arena.ofShared()) {
      MemorySegment a = arena.allocate(16 * STEPS, 64);
      MemorySegment b = arena.allocate(4 * WIDTH * STEPS, 64);
      MemorySegment c = arena.allocate(16 * WIDTH, 64);
      double best = 0;
      for (int round = 0; round < 20; round++) {
        long start = System.nanoTime();
        for (int i = 0; i < 2000; i++) {
          multiply(a, b, c);
        }
        best = Math.max(best, 2000.0 * STEPS * 16 * S.length() * 2 / (System.nanoTime() - start));
      }
      System.out.printf(java.util.Locale.ROOT, "%.1f%n", best);
    }
  }
}
JAVA
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
for kind in native heap native heap; do
  "$java" --add-modules jdk.incubator.vector Tile.java $kind 2> /dev/null > $kind.last
  echo "$kind: $(cat $kind.last) GFLOP/s"
  cat $kind.last >> $kind
done
sort -g native | tail -n 1 > best-native
sort -g heap | tail -n 1 > best-heap
awk -v native="$(cat best-native)" -v heap="$(cat best-heap)" 'BEGIN { exit heap < native / 1.5 ? 0 : 1 }'
