package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.knowcap.models.program.NgramHash;
import org.knowcap.models.program.NgramLookup;

/** The rows of a memory of n-grams, the gradient's way back into the worker's own tables, and the gate. */
final class MemoryKernels {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private MemoryKernels() {}

  /** Floats of work space: a row of what is looked up. */
  static long workSize(NgramLookup operation) {
    return Matrix.stride(operation.out().columns());
  }

  /** The rows that the tokens of a slice find; their arrays are made once. */
  private static final class Found {
    private final MemorySegment memory;
    private final NgramHash.Finder finder;
    private final long tokens;
    private final int[] ids;
    private final int[] rows;

    Found(MemorySegment memory, NgramLookup operation, long tokens, int sliceRows) {
      this.memory = memory;
      this.tokens = tokens;
      finder = operation.finder();
      ids = new int[sliceRows];
      rows = new int[sliceRows * operation.hash().tables()];
    }

    int[] from(int firstRow) {
      MemorySegment.copy(memory, ValueLayout.JAVA_INT, tokens + 4L * firstRow, ids, 0, ids.length);
      finder.find(ids, rows);
      return rows;
    }
  }

  /**
   * out[r] = the rows of r side by side.
   *
   * @param tokens offset of the batch's ids, int32 [R]
   * @param table [tables * slots, width], fp32
   * @param out [slice rows, tables * width]
   * @param work offset of {@link #workSize} floats
   */
  static Kernel lookup(MemorySegment memory, NgramLookup operation, long tokens, Matrix table, Matrix out,
      long work) {
    Found found = new Found(memory, operation, tokens, out.rows());
    int tables = operation.hash().tables();
    long bytes = table.rowBytes();
    return firstRow -> {
      int[] rows = found.from(firstRow);
      for (int r = 0; r < out.rows(); r++) {
        long to = out.isBf16() ? work : out.at(r, 0);
        for (int i = 0; i < tables; i++) {
          MemorySegment.copy(memory, table.at(rows[r * tables + i], 0), memory, to + i * bytes, bytes);
        }
        if (out.isBf16()) {
          Loops.scaled(memory, work, false, 1, out.at(r, 0), true, out.columns());
        }
      }
    };
  }

  /** Gradient table[rows of r] += dOut[r], shapes as in {@link #lookup}. */
  static Kernel lookupBackward(MemorySegment memory, NgramLookup operation, long tokens, Matrix dOut,
      Matrix dTable, long work) {
    Found found = new Found(memory, operation, tokens, dOut.rows());
    int tables = operation.hash().tables();
    int width = operation.width();
    return firstRow -> {
      int[] rows = found.from(firstRow);
      for (int r = 0; r < dOut.rows(); r++) {
        long from = dOut.at(r, 0);
        if (dOut.isBf16()) {
          Loops.scaled(memory, from, true, 1, work, false, dOut.columns());
          from = work;
        }
        for (int i = 0; i < tables; i++) {
          add(memory, from + 4L * i * width, dTable.at(rows[r * tables + i], 0), width);
        }
      }
    };
  }

  /** to += from. Rows of less than a vector go number by number, as masked vectors are slow. */
  private static void add(MemorySegment memory, long from, long to, int width) {
    if (width >= Vectors.LANES) {
      Loops.accumulate(memory, from, false, to, width);
      return;
    }
    for (int i = 0; i < width; i++) {
      memory.set(FLOAT, to + 4L * i, memory.get(FLOAT, to + 4L * i) + memory.get(FLOAT, from + 4L * i));
    }
  }

  private static float gate(MemorySegment memory, Matrix query, Matrix key, int r, float scale) {
    float product = Loops.dot(memory, query.at(r, 0), query.isBf16(), key.at(r, 0), key.isBf16(),
        query.columns());
    return (float) (1 / (1 + Math.exp(-scale * product)));
  }

  /** out[r] = sigmoid(scale query[r] . key[r]) value[r], all [slice rows, d]. */
  static Kernel gate(MemorySegment memory, float scale, Matrix query, Matrix key, Matrix value, Matrix out) {
    return firstRow -> {
      for (int r = 0; r < out.rows(); r++) {
        Loops.scaled(memory, value.at(r, 0), value.isBf16(), gate(memory, query, key, r, scale), out.at(r, 0),
            out.isBf16(), out.columns());
      }
    };
  }

  /** Gradients of query, key and value, all [slice rows, d]. */
  static Kernel gateBackward(MemorySegment memory, float scale, Matrix query, Matrix key, Matrix value,
      Matrix dOut, Matrix dQuery, Matrix dKey, Matrix dValue) {
    int d = dOut.columns();
    return firstRow -> {
      for (int r = 0; r < dOut.rows(); r++) {
        float gate = gate(memory, query, key, r, scale);
        float along = Loops.dot(memory, dOut.at(r, 0), dOut.isBf16(), value.at(r, 0), value.isBf16(), d);
        float slope = along * gate * (1 - gate) * scale;
        Loops.scaled(memory, key.at(r, 0), key.isBf16(), slope, dQuery.at(r, 0), dQuery.isBf16(), d);
        Loops.scaled(memory, query.at(r, 0), query.isBf16(), slope, dKey.at(r, 0), dKey.isBf16(), d);
        Loops.scaled(memory, dOut.at(r, 0), dOut.isBf16(), gate, dValue.at(r, 0), dValue.isBf16(), d);
      }
    };
  }
}
