package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** What is done to dense matrices number by number, or summed down their columns. */
final class Elementwise {
  /** Derivatives that are held at a time: a part of the innermost cache. */
  static final int GELU_WORK = 2048;

  private Elementwise() {}

  private static long size(Matrix matrix) {
    return (long) matrix.rows() * matrix.columns();
  }

  /** out = a + b, all [slice rows, n]. */
  static Kernel add(MemorySegment memory, Matrix a, Matrix b, Matrix out) {
    return firstRow -> Loops.add(memory, a.offset(), a.narrow(), b.offset(), b.narrow(), out.offset(),
        out.narrow(),
        size(out));
  }

  /** to = from, in to's precision, both [slice rows, n]. */
  static Kernel convert(MemorySegment memory, Matrix from, Matrix to) {
    return firstRow -> Loops.convert(memory, from.offset(), from.narrow(), to.offset(), to.narrow(),
        size(to));
  }

  /** out = GELU(x), both [slice rows, n]. */
  static Kernel gelu(MemorySegment memory, Matrix x, Matrix out) {
    return firstRow -> Loops.gelu(memory, x.offset(), x.narrow(), out.offset(), out.narrow(), size(out));
  }

  /**
   * gradient = gradient * GELU'(x), in place, both [slice rows, n].
   *
   * @param work offset of {@link #GELU_WORK} floats
   */
  static Kernel geluBackward(MemorySegment memory, Matrix x, Matrix gradient, long work) {
    return firstRow -> {
      for (long from = 0; from < size(gradient); from += GELU_WORK) {
        long size = Math.min(GELU_WORK, size(gradient) - from);
        long input = x.offset() + from * x.element().bytes();
        if (x.narrow()) {
          Loops.convert(memory, input, true, work, false, size);
        }
        Loops.geluDerivative(memory, x.narrow() ? work : input, work, size);
        Loops.multiply(memory, gradient.offset() + from * gradient.element().bytes(), gradient.narrow(), work,
            size);
      }
    };
  }

  /** sums += column sums of x. x [slice rows, n], sums [1, n] in fp32. */
  static Kernel columnSums(MemorySegment memory, Matrix x, Matrix sums) {
    return firstRow -> {
      int columns = x.columns();
      int column = 0;
      for (; column + 4 * LANES <= columns; column += 4 * LANES) {
        Loops.addFourColumns(memory, x.offset(), x.rowBytes(), x.rows(), x.narrow(), sums.offset(), column);
      }
      for (; column < columns; column += LANES) {
        addColumns(memory, x, sums.offset(), column);
      }
    };
  }

  /** One vector wide, or what is left of one. */
  private static void addColumns(MemorySegment memory, Matrix x, long sums, int column) {
    VectorMask<Float> mask = Vectors.rest(column, x.columns());
    FloatVector sum = Vectors.load(memory, sums, column, false, mask);
    long row = x.offset();
    for (int r = 0; r < x.rows(); r++) {
      sum = sum.add(Vectors.load(memory, row, column, x.narrow(), mask));
      row += x.rowBytes();
    }
    Vectors.store(sum, memory, sums, column, false, mask);
  }
}
