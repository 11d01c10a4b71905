package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.VectorShuffle;
import org.knowcap.models.engine.lowering.RopeTable;
import org.knowcap.models.program.Heads;

/** RoPE, in place, from tables of cosines and sines. */
final class RopeKernel {
  private RopeKernel() {}

  /**
   * Fills a table: cosines [T, pairs], then sines.
   *
   * @param offset of the table
   */
  static void fill(MemorySegment memory, long offset, RopeTable table) {
    int pairs = table.pairs();
    for (int t = 0; t < table.length(); t++) {
      for (int i = 0; i < pairs; i++) {
        double angle = table.angle(t, i);
        long at = offset + 4L * (t * pairs + i);
        memory.set(ValueLayout.JAVA_FLOAT, at, (float) Math.cos(angle));
        memory.set(ValueLayout.JAVA_FLOAT, at + 4L * table.length() * pairs, (float) Math.sin(angle));
      }
    }
  }

  /**
   * Rotates queries and keys.
   *
   * @param queryTable offset of the queries' table
   * @param keyTable offset of the keys' table, which may be the same
   * @param pairs of components that are rotated in each head
   * @param qkv [slice rows, width of queries, keys and values]
   * @param direction 1 forwards, -1 for the gradient
   */
  static Kernel rotate(MemorySegment memory, long queryTable, long keyTable, Heads heads, int pairs,
      Matrix qkv, int direction) {
    if (queryTable == keyTable && isWhole(heads, pairs)) {
      return rotateWhole(memory, queryTable, heads, pairs, qkv, direction);
    }
    int length = heads.length();
    int width = heads.width();
    int queries = heads.count() * width;
    int all = heads.qkWidth();
    return firstRow -> {
      for (int r = 0; r < qkv.rows(); r++) {
        long cosines = 4L * (r % length) * pairs;
        long sines = cosines + 4L * length * pairs;
        if (queryTable == keyTable) {
          rotate(memory, qkv.at(r, 0), qkv.isBf16(), all, width, pairs, queryTable + cosines,
              queryTable + sines, direction);
        } else {
          rotate(memory, qkv.at(r, 0), qkv.isBf16(), queries, width, pairs, queryTable + cosines,
              queryTable + sines, direction);
          rotate(memory, qkv.at(r, queries), qkv.isBf16(), all - queries, width, pairs, keyTable + cosines,
              keyTable + sines, direction);
        }
      }
    };
  }

  /**
   * Whether no pair of a row of queries and keys is split between two vectors, and pairs lie at the same lanes in every
   * vector.
   */
  private static boolean isWhole(Heads heads, int pairs) {
    return 2 * pairs <= LANES && (heads.width() % LANES == 0 || LANES % heads.width() == 0)
        && heads.qkWidth() % LANES == 0;
  }

  private static Kernel rotateWhole(MemorySegment memory, long table, Heads heads, int pairs, Matrix qkv,
      int direction) {
    int length = heads.length();
    int width = heads.width();
    MemorySegment vectors = vectors(memory, table, heads, pairs);
    VectorShuffle<Float> partners = VectorShuffle.fromOp(Vectors.FLOATS, lane -> {
      int column = lane % width;
      return column < pairs ? lane + pairs : column < 2 * pairs ? lane - pairs : lane;
    });
    return firstRow -> Loops.rotateWhole(memory, qkv.offset(), qkv.rowBytes(), qkv.isBf16(), qkv.rows(),
        heads.qkWidth(), Math.max(width, LANES), length, vectors, direction, partners);
  }

  /** Of each place a vector of cosines and, behind those of all, one of sines, which the left of a pair has negative. */
  private static MemorySegment vectors(MemorySegment memory, long table, Heads heads, int pairs) {
    int length = heads.length();
    MemorySegment vectors = Arena.ofAuto().allocate(8L * length * LANES, 64);
    for (int t = 0; t < length; t++) {
      for (int lane = 0; lane < LANES; lane++) {
        int column = lane % heads.width();
        boolean rotated = column < 2 * pairs;
        long at = table + 4L * (t * pairs + column % pairs);
        float cosine = rotated ? memory.get(ValueLayout.JAVA_FLOAT, at) : 1;
        float sine = rotated ? memory.get(ValueLayout.JAVA_FLOAT, at + 4L * length * pairs) : 0;
        long to = 4L * (t * LANES + lane);
        vectors.set(ValueLayout.JAVA_FLOAT, to, cosine);
        vectors.set(ValueLayout.JAVA_FLOAT, to + 4L * length * LANES, column < pairs ? -sine : sine);
      }
    }
    return vectors;
  }

  private static void rotate(MemorySegment memory, long row, boolean bf16, int columns, int width, int pairs,
      long cosines, long sines, int direction) {
    if (pairs % Vectors.LANES == 0) {
      Loops.rotate(memory, row, bf16, columns, width, pairs, cosines, sines, direction);
    } else if (bf16) {
      Loops.rotateFewBf16(memory, row, columns, width, pairs, cosines, sines, direction);
    } else {
      Loops.rotateFew(memory, row, columns, width, pairs, cosines, sines, direction);
    }
  }
}
