package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors as wide as the machine's: loads, stores, and the exponential. Java's compiler keeps a vector in registers
 * only if it can follow the vector from its creation to its use. A vector that meets a masked vector in a loop is
 * put on the heap, which is tens of times slower. So separate methods treat the end of rows whose length is not a
 * multiple of a vector.
 */
final class Vectors {
  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  static final int LANES = FLOATS.length();
  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
  /** As many shorts as a vector has floats. */
  static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class,
      VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

  private static final float LOG2_E = 1.44269504f;
  /** ln 2 in two parts, the first of few bits, so that its multiples are exact. */
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;
  /** Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits. */
  private static final float ROUNDER = 12_582_912f;
  /** Below this exp is no normal number. */
  private static final float LEAST = -87f;
  private static final float MOST = 88f;

  private static final VectorShuffle<Float> BY_8 = distant(8);
  private static final VectorShuffle<Float> BY_4 = distant(4);
  private static final VectorShuffle<Float> BY_2 = distant(2);
  private static final VectorShuffle<Float> BY_1 = distant(1);

  private Vectors() {}

  /** Brings the lane so far off to each. */
  private static VectorShuffle<Float> distant(int lanes) {
    return VectorShuffle.fromOp(FLOATS, lane -> (lane + lanes) % LANES);
  }

  /** Numbers from the index-th on of those that begin at an offset. */
  static FloatVector load(MemorySegment memory, long offset, long index, boolean bf16) {
    return bf16
        ? widen(ShortVector.fromMemorySegment(SHORTS, memory, offset + 2 * index, ORDER))
        : FloatVector.fromMemorySegment(FLOATS, memory, offset + 4 * index, ORDER);
  }

  /** As {@link #load}, zero where the mask is not set. */
  static FloatVector load(MemorySegment memory, long offset, long index, boolean bf16,
      VectorMask<Float> mask) {
    return bf16
        ? widen(ShortVector.fromMemorySegment(SHORTS, memory, offset + 2 * index, ORDER, mask.cast(SHORTS)))
        : FloatVector.fromMemorySegment(FLOATS, memory, offset + 4 * index, ORDER, mask);
  }

  static void store(FloatVector x, MemorySegment memory, long offset, long index, boolean bf16) {
    if (bf16) {
      bf16(x).intoMemorySegment(memory, offset + 2 * index, ORDER);
    } else {
      x.intoMemorySegment(memory, offset + 4 * index, ORDER);
    }
  }

  static void store(FloatVector x, MemorySegment memory, long offset, long index, boolean bf16,
      VectorMask<Float> mask) {
    if (bf16) {
      bf16(x).intoMemorySegment(memory, offset + 2 * index, ORDER, mask.cast(SHORTS));
    } else {
      x.intoMemorySegment(memory, offset + 4 * index, ORDER, mask);
    }
  }

  static FloatVector widen(ShortVector x) {
    return ((IntVector) x.castShape(INTS, 0)).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  /** To the nearest bf16, ties to even. */
  static ShortVector bf16(FloatVector x) {
    IntVector bits = x.reinterpretAsInts();
    IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
    return (ShortVector) bits.add(odd).add(0x7fff).lanewise(VectorOperators.LSHR, 16).castShape(SHORTS, 0);
  }

  /** A number of bf16. */
  static float widened(short x) {
    return Float.intBitsToFloat(x << 16);
  }

  /** To the nearest bf16, ties to even. */
  static short narrowed(float x) {
    int bits = Float.floatToRawIntBits(x);
    return (short) (bits + (bits >>> 16 & 1) + 0x7fff >>> 16);
  }

  /** To the nearest bf16, ties to even, in fp32. */
  static FloatVector rounded(FloatVector x) {
    IntVector bits = x.reinterpretAsInts();
    IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
    return bits.add(odd).add(0x7fff).and(0xffff0000).reinterpretAsFloats();
  }

  /**
   * To a bf16 above or below, in fp32, as MasterWeights.BF16_STOCHASTIC rounds the numbers from the index-th on.
   *
   * @param salt of the step
   */
  static FloatVector roundedAtRandom(FloatVector x, int salt, int index) {
    IntVector noise = IntVector.broadcast(INTS, index).addIndex(1).lanewise(VectorOperators.XOR, salt);
    noise = noise.lanewise(VectorOperators.LSHR, 16).lanewise(VectorOperators.XOR, noise).mul(0x7feb352d);
    noise = noise.lanewise(VectorOperators.LSHR, 15).lanewise(VectorOperators.XOR, noise).mul(0x846ca68b);
    noise = noise.lanewise(VectorOperators.LSHR, 16)
        .lanewise(VectorOperators.XOR, noise)
        .lanewise(VectorOperators.LSHR, 16);
    return x.reinterpretAsInts().add(noise).and(0xffff0000).reinterpretAsFloats();
  }

  /** The lanes that are left of a row of so many numbers from the index-th on. */
  static VectorMask<Float> rest(long index, long size) {
    return FLOATS.indexInRange(index, size);
  }

  /**
   * Puts a number behind the valid ones of such a row, in fp32, up to a full vector.
   *
   * @return where that ends
   */
  static int close(MemorySegment memory, long row, int valid, float number) {
    int end = Math.ceilDiv(valid, LANES) * LANES;
    for (int i = valid; i < end; i++) {
      memory.set(ValueLayout.JAVA_FLOAT, row + 4L * i, number);
    }
    return end;
  }

  /**
   * The sum of the lanes, halves added to halves. The Vector API's own reduction leaves the order to the compiler, so
   * that a sum's last bit would depend on when a method was compiled.
   */
  static float sum(FloatVector x) {
    return total(x).lane(0);
  }

  /** The same sum in each lane. */
  static FloatVector total(FloatVector x) {
    FloatVector sum = x;
    if (LANES > 8) {
      sum = sum.add(sum.rearrange(BY_8));
    }
    if (LANES > 4) {
      sum = sum.add(sum.rearrange(BY_4));
    }
    if (LANES > 2) {
      sum = sum.add(sum.rearrange(BY_2));
    }
    return sum.add(sum.rearrange(BY_1));
  }

  /**
   * e^x with a relative error of about 1e-7, and 0 below -87, where it would be no normal number: x = n ln 2 + r, a
   * polynomial in r, and n added to its exponent.
   */
  static FloatVector exp(FloatVector x) {
    // Comparisons and blends: max and min would spend several instructions on their rule for NaN.
    return expOfFew(x.blend(MOST, x.compare(VectorOperators.GT, MOST)));
  }

  /** {@link #exp} of numbers of at most 88. */
  static FloatVector expOfFew(FloatVector bounded) {
    VectorMask<Float> vanishes = bounded.lt(LEAST);
    FloatVector shifted = bounded.fma(FloatVector.broadcast(FLOATS, LOG2_E),
        FloatVector.broadcast(FLOATS, ROUNDER));
    FloatVector n = shifted.sub(ROUNDER);
    FloatVector r = n.fma(FloatVector.broadcast(FLOATS, -LN2_HIGH), bounded);
    r = n.fma(FloatVector.broadcast(FLOATS, -LN2_LOW), r);
    FloatVector p = r.fma(FloatVector.broadcast(FLOATS, 1 / 720f), FloatVector.broadcast(FLOATS, 1 / 120f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1 / 24f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1 / 6f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 0.5f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1));
    return p.reinterpretAsInts()
        .add(shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23))
        .reinterpretAsFloats()
        .blend(0, vanishes);
  }

  /** ln x of positive normal numbers, with a relative error of about 1e-7: Cephes' logf. */
  static FloatVector log(FloatVector x) {
    IntVector bits = x.reinterpretAsInts();
    // x = m 2^n with m from sqrt(1/2) to sqrt(2).
    IntVector shifted = bits.sub(0x3f3504f3);
    FloatVector n = (FloatVector) shifted.lanewise(VectorOperators.ASHR, 23).convert(VectorOperators.I2F, 0);
    FloatVector r = shifted.and(0x007fffff).add(0x3f3504f3).reinterpretAsFloats().sub(1);
    FloatVector p = r.mul(7.0376836292e-2f).add(-1.1514610310e-1f);
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1.1676998740e-1f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, -1.2420140846e-1f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1.4249322787e-1f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, -1.6668057665e-1f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 2.0000714765e-1f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, -2.4999993993e-1f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 3.3333331174e-1f));
    FloatVector square = r.mul(r);
    FloatVector low = p.mul(r).mul(square).add(n.mul(LN2_LOW)).sub(square.mul(0.5f));
    return n.fma(FloatVector.broadcast(FLOATS, LN2_HIGH), r.add(low));
  }
}
