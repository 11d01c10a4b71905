package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Rows of the table by token, and the gradient's way back into the worker's own table. */
final class Embedding {
  private Embedding() {}

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
        Loops.accumulate(memory, dOut.at(r, 0), dOut.narrow(), dTable.at(id(memory, tokens, firstRow + r), 0),
            dOut.columns());
      }
    };
  }

  static int id(MemorySegment memory, long ids, int row) {
    return memory.get(ValueLayout.JAVA_INT, ids + 4L * row);
  }
}
