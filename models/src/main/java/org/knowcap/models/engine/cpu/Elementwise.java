package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * What is done to dense matrices number by number, or summed down their columns. Buffers end on a full vector, so
 * loops over all numbers need no rest.
 */
final class Elementwise {
  /** GPT-2's GELU is x * sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3). */
  private static final float TWO_ROOT = (float) (2 * Math.sqrt(2 / Math.PI));
  private static final float CUBIC = 0.044715f;

  private Elementwise() {}

  /** out = a + b, all [slice rows, n]. */
  static Kernel add(MemorySegment memory, Matrix a, Matrix b, Matrix out) {
    long size = (long) out.rows() * out.columns();
    return firstRow -> {
      for (long i = 0; i < size; i += LANES) {
        Vectors.store(
            Vectors.load(memory, a.offset(), i, a.narrow())
                .add(Vectors.load(memory, b.offset(), i, b.narrow())),
            memory, out.offset(), i, out.narrow());
      }
    };
  }

  /** to = from, in to's precision, both [slice rows, n]. */
  static Kernel convert(MemorySegment memory, Matrix from, Matrix to) {
    long size = (long) to.rows() * to.columns();
    return firstRow -> {
      for (long i = 0; i < size; i += LANES) {
        Vectors.store(Vectors.load(memory, from.offset(), i, from.narrow()), memory, to.offset(), i,
            to.narrow());
      }
    };
  }

  /** out = GELU(x), both [slice rows, n]. */
  static Kernel gelu(MemorySegment memory, Matrix x, Matrix out) {
    long size = (long) out.rows() * out.columns();
    return firstRow -> {
      for (long i = 0; i < size; i += LANES) {
        FloatVector v = Vectors.load(memory, x.offset(), i, x.narrow());
        Vectors.store(v.mul(gate(v, v.mul(v))), memory, out.offset(), i, out.narrow());
      }
    };
  }

  /** gradient = gradient * GELU'(x), in place, both [slice rows, n]. */
  static Kernel geluBackward(MemorySegment memory, Matrix x, Matrix gradient) {
    long size = (long) gradient.rows() * gradient.columns();
    return firstRow -> {
      for (long i = 0; i < size; i += LANES) {
        FloatVector v = Vectors.load(memory, x.offset(), i, x.narrow());
        FloatVector square = v.mul(v);
        FloatVector gate = gate(v, square);
        // (x s(w))' = s + x s (1 - s) w', w' = 2 sqrt(2 / pi) (1 + 3 * 0.044715 x^2)
        FloatVector slope = square.fma(FloatVector.broadcast(FLOATS, 3 * CUBIC * TWO_ROOT),
            FloatVector.broadcast(FLOATS, TWO_ROOT));
        FloatVector inner = v.mul(slope).mul(gate.neg().add(1));
        FloatVector derivative = gate.fma(inner, gate);
        Vectors.store(Vectors.load(memory, gradient.offset(), i, gradient.narrow()).mul(derivative), memory,
            gradient.offset(), i, gradient.narrow());
      }
    };
  }

  /** sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)). */
  private static FloatVector gate(FloatVector x, FloatVector square) {
    FloatVector w = x.mul(square.fma(FloatVector.broadcast(FLOATS, CUBIC * TWO_ROOT),
        FloatVector.broadcast(FLOATS, TWO_ROOT)));
    return FloatVector.broadcast(FLOATS, 1).div(Vectors.exp(w.neg()).add(1));
  }

  /** sums += column sums of x. x [slice rows, n], sums [1, n] in fp32. */
  static Kernel columnSums(MemorySegment memory, Matrix x, Matrix sums) {
    return firstRow -> {
      int columns = x.columns();
      int column = 0;
      for (; column + 4 * LANES <= columns; column += 4 * LANES) {
        addFour(memory, x, sums.offset(), column);
      }
      for (; column < columns; column += LANES) {
        addOne(memory, x, sums.offset(), column, FLOATS.indexInRange(column, columns));
      }
    };
  }

  private static void addFour(MemorySegment memory, Matrix x, long sums, int column) {
    FloatVector a = Vectors.load(memory, sums, column, false);
    FloatVector b = Vectors.load(memory, sums, column + LANES, false);
    FloatVector c = Vectors.load(memory, sums, column + 2 * LANES, false);
    FloatVector d = Vectors.load(memory, sums, column + 3 * LANES, false);
    boolean narrow = x.narrow();
    long row = x.offset();
    for (int r = 0; r < x.rows(); r++) {
      a = a.add(Vectors.load(memory, row, column, narrow));
      b = b.add(Vectors.load(memory, row, column + LANES, narrow));
      c = c.add(Vectors.load(memory, row, column + 2 * LANES, narrow));
      d = d.add(Vectors.load(memory, row, column + 3 * LANES, narrow));
      row += x.rowBytes();
    }
    Vectors.store(a, memory, sums, column, false);
    Vectors.store(b, memory, sums, column + LANES, false);
    Vectors.store(c, memory, sums, column + 2 * LANES, false);
    Vectors.store(d, memory, sums, column + 3 * LANES, false);
  }

  private static void addOne(MemorySegment memory, Matrix x, long sums, int column, VectorMask<Float> mask) {
    FloatVector sum = Vectors.load(memory, sums, column, false, mask);
    long row = x.offset();
    for (int r = 0; r < x.rows(); r++) {
      sum = sum.add(Vectors.load(memory, row, column, x.narrow(), mask));
      row += x.rowBytes();
    }
    Vectors.store(sum, memory, sums, column, false, mask);
  }
}
