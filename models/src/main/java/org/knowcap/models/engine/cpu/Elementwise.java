package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.knowcap.models.architecture.Activation;

/** Kernels that treat dense matrices number by number, or sum their columns. */
final class Elementwise {
  /** Floats of work space that an activation takes: results and derivatives, a part of the innermost cache. */
  static final int WORK = 2048;
  /** Rows of work space that a gate's gradient takes. */
  static final int GATE_ROWS = 2;

  private Elementwise() {}

  private static long size(Matrix matrix) {
    return (long) matrix.rows() * matrix.columns();
  }

  /** out = a + b, all [slice rows, n]. */
  static Kernel add(MemorySegment memory, Matrix a, Matrix b, Matrix out) {
    return firstRow -> Loops.add(memory, a.offset(), a.isBf16(), b.offset(), b.isBf16(), out.offset(),
        out.isBf16(), size(out));
  }

  /** to = from, in to's precision, both [slice rows, n]. */
  static Kernel convert(MemorySegment memory, Matrix from, Matrix to) {
    return firstRow -> Loops.convert(memory, from.offset(), from.isBf16(), to.offset(), to.isBf16(),
        size(to));
  }

  /** out = factor * x, both fp32 [slice rows, n]. */
  static Kernel scale(MemorySegment memory, float factor, Matrix x, Matrix out) {
    Kernel copied = convert(memory, x, out);
    return firstRow -> {
      copied.run(firstRow);
      Loops.multiply(memory, out.offset(), factor, 0, size(out));
    };
  }

  /** to = activation(x), to full vectors. */
  private static void activate(MemorySegment memory, Activation activation, long x, boolean bf16, long to,
      boolean bf16To, long size) {
    switch (activation) {
      case GELU, SILU -> Loops.activate(memory, (float) activation.linear(), (float) activation.cubic(), x,
          bf16, to, bf16To, size);
      case RELU2 -> Loops.squaredRelu(memory, x, bf16, to, bf16To, size);
    }
  }

  /** to = activation'(x), both fp32, to full vectors. */
  private static void slope(MemorySegment memory, Activation activation, long x, long to, long size) {
    switch (activation) {
      case GELU, SILU ->
          Loops.slope(memory, (float) activation.linear(), (float) activation.cubic(), x, to, size);
      case RELU2 -> Loops.squaredReluSlope(memory, x, to, size);
    }
  }

  /** to = activation(x), and x becomes activation'(x), both fp32 at addresses. */
  private static void forward(Activation activation, long x, long to, long size) {
    switch (activation) {
      case GELU, SILU ->
          Activations.forward((float) activation.linear(), (float) activation.cubic(), x, to, size);
      case RELU2 -> Activations.squaredRelu(x, to, size);
    }
  }

  /** out = activation(x), both [slice rows, n]. */
  static Kernel activate(MemorySegment memory, Activation activation, Matrix x, Matrix out) {
    return firstRow -> activate(memory, activation, x.offset(), x.isBf16(), out.offset(), out.isBf16(),
        size(out));
  }

  /**
   * out = activation(x), and x becomes activation'(x), which the gradient is multiplied by later: both take one
   * exponential. Both [slice rows, n], of one precision. bf16 goes through the work space: a loop that also rounds
   * two results leaves vectors on the heap.
   *
   * @param work offset of {@link #WORK} floats
   */
  static Kernel activateToLearn(MemorySegment memory, Activation activation, Matrix x, Matrix out,
      long work) {
    long base = memory.address();
    if (!x.isBf16()) {
      return firstRow -> forward(activation, base + x.offset(), base + out.offset(), size(out));
    }
    long results = work + 2L * WORK;
    return firstRow -> {
      for (long from = 0; from < size(out); from += WORK / 2) {
        long size = Math.min(WORK / 2, size(out) - from);
        long bytes = from * x.dtype().bytes();
        Loops.convert(memory, x.offset() + bytes, true, work, false, size);
        forward(activation, base + work, base + results, size);
        Loops.convert(memory, work, false, x.offset() + bytes, true, size);
        Loops.convert(memory, results, false, out.offset() + bytes, true, size);
      }
    };
  }

  /**
   * gradient = gradient * activation'(x), in place, both [slice rows, n], where x is still there.
   *
   * @param work offset of {@link #WORK} floats
   */
  static Kernel activateBackward(MemorySegment memory, Activation activation, Matrix x, Matrix gradient,
      long work) {
    return firstRow -> {
      for (long from = 0; from < size(gradient); from += WORK) {
        long size = Math.min(WORK, size(gradient) - from);
        long input = x.offset() + from * x.dtype().bytes();
        if (x.isBf16()) {
          Loops.convert(memory, input, true, work, false, size);
        }
        slope(memory, activation, x.isBf16() ? work : input, work, size);
        long place = gradient.offset() + from * gradient.dtype().bytes();
        Loops.product(memory, place, gradient.isBf16(), work, false, place, gradient.isBf16(), (int) size);
      }
    };
  }

  /**
   * gradient = gradient * slope, as {@link #activateToLearn} left it, in place, both [slice rows, n], of one
   * precision.
   */
  static Kernel multiply(MemorySegment memory, Matrix slope, Matrix gradient) {
    long by = memory.address() + slope.offset();
    long at = memory.address() + gradient.offset();
    return gradient.isBf16()
        ? firstRow -> Activations.backwardBf16(by, at, size(gradient))
        : firstRow -> Activations.backward(by, at, size(gradient));
  }

  /**
   * out = activation(left half of x) * right half of x.
   *
   * @param x [slice rows, 2n]
   * @param out [slice rows, n]
   * @param work offset of a row of n floats, to a full vector
   */
  static Kernel gate(MemorySegment memory, Activation activation, Matrix x, Matrix out, long work) {
    int n = out.columns();
    return firstRow -> {
      for (int r = 0; r < out.rows(); r++) {
        activate(memory, activation, x.at(r, 0), x.isBf16(), work, false, n);
        Loops.product(memory, work, false, x.at(r, n), x.isBf16(), out.at(r, 0), out.isBf16(), n);
      }
    };
  }

  /**
   * With x's halves l and r, dX has dOut * r * activation'(l) and dOut * activation(l), side by side.
   *
   * @param x [slice rows, 2n]
   * @param dOut [slice rows, n]
   * @param dX [slice rows, 2n]
   * @param work offset of {@link #GATE_ROWS} rows of n floats, each to a full vector
   */
  static Kernel gateBackward(MemorySegment memory, Activation activation, Matrix x, Matrix dOut, Matrix dX,
      long work) {
    int n = dOut.columns();
    long slope = work + 4L * Matrix.stride(n);
    return firstRow -> {
      for (int r = 0; r < dOut.rows(); r++) {
        Loops.convert(memory, x.at(r, 0), x.isBf16(), work, false, n);
        slope(memory, activation, work, slope, n);
        activate(memory, activation, work, false, work, false, n);
        Loops.product(memory, slope, false, x.at(r, n), x.isBf16(), slope, false, n);
        Loops.product(memory, dOut.at(r, 0), dOut.isBf16(), slope, false, dX.at(r, 0), dX.isBf16(), n);
        Loops.product(memory, dOut.at(r, 0), dOut.isBf16(), work, false, dX.at(r, n), dX.isBf16(), n);
      }
    };
  }

  /** sums += column sums of x. x [slice rows, n], sums [1, n] in fp32. */
  static Kernel columnSums(MemorySegment memory, Matrix x, Matrix sums) {
    return firstRow -> {
      int columns = x.columns();
      int column = 0;
      for (; column + 4 * LANES <= columns; column += 4 * LANES) {
        Loops.addFourColumns(memory, x.offset(), x.rowBytes(), x.rows(), x.isBf16(), sums.offset(), column);
      }
      for (; column + LANES <= columns; column += LANES) {
        Loops.addColumns(memory, x.offset(), x.rowBytes(), x.rows(), x.isBf16(), sums.offset(), column);
      }
      if (column < columns) {
        addRest(memory, x, sums.offset(), column);
      }
    };
  }

  /** Adds the columns after the last full vector. */
  private static void addRest(MemorySegment memory, Matrix x, long sums, int column) {
    VectorMask<Float> mask = Vectors.rest(column, x.columns());
    FloatVector sum = Vectors.load(memory, sums, column, false, mask);
    long row = x.offset();
    for (int r = 0; r < x.rows(); r++) {
      sum = sum.add(Vectors.load(memory, row, column, x.isBf16(), mask));
      row += x.rowBytes();
    }
    Vectors.store(sum, memory, sums, column, false, mask);
  }
}
