package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Rows of the tables by token and by position, and the gradient's way back into the worker's own tables. */
final class EmbeddingKernels {
  private EmbeddingKernels() {}

  /**
   * out[r] = table[tokens[r]].
   *
   * @param tokens offset of the batch's ids, int32 [R]
   * @param table [V, d], fp32
   * @param out [slice rows, d], fp32
   */
  static Kernel gather(MemorySegment memory, long tokens, Matrix table, Matrix out) {
    return firstRow -> {
      for (int r = 0; r < out.rows(); r++) {
        long row = table.at(id(memory, tokens, firstRow + r), 0);
        MemorySegment.copy(memory, row, memory, out.at(r, 0), out.rowBytes());
      }
    };
  }

  /** Gradient table[tokens[r]] += dOut[r], shapes as in {@link #gather}. */
  static Kernel scatter(MemorySegment memory, long tokens, Matrix dOut, Matrix dTable) {
    return firstRow -> {
      for (int r = 0; r < dOut.rows(); r++) {
        Loops.accumulate(memory, dOut.at(r, 0), dOut.isBf16(), dTable.at(id(memory, tokens, firstRow + r), 0),
            dOut.columns());
      }
    };
  }

  /**
   * x[r] += table[r mod T]: the slice begins with a window.
   *
   * @param table [positions, d], fp32
   * @param x [slice rows, d], fp32
   */
  static Kernel addPositions(MemorySegment memory, Matrix table, int length, Matrix x) {
    return firstRow -> {
      for (int r = 0; r < x.rows(); r++) {
        Loops.accumulate(memory, table.at(r % length, 0), false, x.at(r, 0), x.columns());
      }
    };
  }

  /** Gradient table[r mod T] += dOut[r], shapes as in {@link #addPositions}. */
  static Kernel addPositionsBackward(MemorySegment memory, Matrix dOut, int length, Matrix dTable) {
    return firstRow -> {
      for (int r = 0; r < dOut.rows(); r++) {
        Loops.accumulate(memory, dOut.at(r, 0), dOut.isBf16(), dTable.at(r % length, 0), dOut.columns());
      }
    };
  }

  static int id(MemorySegment memory, long ids, int row) {
    return memory.get(ValueLayout.JAVA_INT, ids + 4L * row);
  }
}
