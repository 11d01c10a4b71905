package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;
import static org.knowcap.models.engine.cpu.Vectors.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/**
 * LayerNorm of rows of fp32 that are one to three vectors wide, and its gradients: a row stays in registers from its
 * first sum to its result, and so do the gradients of gain and bias from row to row. Parameters are addresses; loops
 * are written out for the reason that {@link Tiles} gives.
 */
final class NarrowNorms {
  private static final MemorySegment ALL = Tiles.ALL;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  /** Bytes of a vector. */
  private static final long VECTOR = 4L * LANES;
  private static final int WIDEST = 3;

  private NarrowNorms() {}

  /** Whether rows of so many numbers are that narrow. */
  static boolean take(int columns) {
    return columns % LANES == 0 && columns <= WIDEST * LANES;
  }

  /** to = (x - mean) / deviation * gain + bias, and each row's mean and 1 / deviation to statistics. */
  static void forward(long x, long gain, long bias, float epsilon, long to, long statistics, int rows,
      int columns) {
    switch (columns / LANES) {
      case 1 -> forwardOne(x, gain, bias, epsilon, to, statistics, rows);
      case 2 -> forwardTwo(x, gain, bias, epsilon, to, statistics, rows);
      case 3 -> forwardThree(x, gain, bias, epsilon, to, statistics, rows);
      default -> throw new IllegalArgumentException("no row is " + columns + " numbers wide");
    }
  }

  /** dX = residual + the gradient of {@link #forward} to x; dGain and dBias are added to. */
  static void backward(long x, long statistics, long gain, long dOut, long residual, long dX, long dGain,
      long dBias, int rows, int columns) {
    switch (columns / LANES) {
      case 1 -> backwardOne(x, statistics, gain, dOut, residual, dX, dGain, dBias, rows);
      case 2 -> backwardTwo(x, statistics, gain, dOut, residual, dX, dGain, dBias, rows);
      case 3 -> {
        parameters(x, statistics, dOut, dGain, dBias, rows, 3);
        backwardThree(x, statistics, gain, dOut, residual, dX, rows);
      }
      default -> throw new IllegalArgumentException("no row is " + columns + " numbers wide");
    }
  }

  /** Rows of one vector: see {@link #forward}. */
  private static void forwardOne(long x, long gain, long bias, float epsilon, long to, long statistics,
      int rows) {
    float share = 1f / (1 * LANES);
    FloatVector gain0 = FloatVector.fromMemorySegment(FLOATS, ALL, gain, ORDER);
    FloatVector bias0 = FloatVector.fromMemorySegment(FLOATS, ALL, bias, ORDER);
    for (int r = 0; r < rows; r++) {
      long at = 1 * VECTOR * r;
      FloatVector x0 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at, ORDER);
      FloatVector mean = Vectors.total(x0).mul(share);
      FloatVector centred0 = x0.sub(mean);
      FloatVector squares = centred0.mul(centred0);
      FloatVector scale = FloatVector.broadcast(FLOATS, 1)
          .div(Vectors.total(squares).mul(share).add(epsilon).sqrt());
      ALL.set(FLOAT, statistics + 8L * r, mean.lane(0));
      ALL.set(FLOAT, statistics + 8L * r + 4, scale.lane(0));
      centred0.mul(scale).fma(gain0, bias0).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  /** Rows of two vectors: see {@link #forward}. */
  private static void forwardTwo(long x, long gain, long bias, float epsilon, long to, long statistics,
      int rows) {
    float share = 1f / (2 * LANES);
    FloatVector gain0 = FloatVector.fromMemorySegment(FLOATS, ALL, gain, ORDER);
    FloatVector bias0 = FloatVector.fromMemorySegment(FLOATS, ALL, bias, ORDER);
    FloatVector gain1 = FloatVector.fromMemorySegment(FLOATS, ALL, gain + 1 * VECTOR, ORDER);
    FloatVector bias1 = FloatVector.fromMemorySegment(FLOATS, ALL, bias + 1 * VECTOR, ORDER);
    for (int r = 0; r < rows; r++) {
      long at = 2 * VECTOR * r;
      FloatVector x0 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at + 1 * VECTOR, ORDER);
      FloatVector mean = Vectors.total(x0.add(x1)).mul(share);
      FloatVector centred0 = x0.sub(mean);
      FloatVector centred1 = x1.sub(mean);
      FloatVector squares = centred1.fma(centred1, centred0.mul(centred0));
      FloatVector scale = FloatVector.broadcast(FLOATS, 1)
          .div(Vectors.total(squares).mul(share).add(epsilon).sqrt());
      ALL.set(FLOAT, statistics + 8L * r, mean.lane(0));
      ALL.set(FLOAT, statistics + 8L * r + 4, scale.lane(0));
      centred0.mul(scale).fma(gain0, bias0).intoMemorySegment(ALL, to + at, ORDER);
      centred1.mul(scale).fma(gain1, bias1).intoMemorySegment(ALL, to + at + 1 * VECTOR, ORDER);
    }
  }

  /** Rows of three vectors: see {@link #forward}. */
  private static void forwardThree(long x, long gain, long bias, float epsilon, long to, long statistics,
      int rows) {
    float share = 1f / (3 * LANES);
    FloatVector gain0 = FloatVector.fromMemorySegment(FLOATS, ALL, gain, ORDER);
    FloatVector bias0 = FloatVector.fromMemorySegment(FLOATS, ALL, bias, ORDER);
    FloatVector gain1 = FloatVector.fromMemorySegment(FLOATS, ALL, gain + 1 * VECTOR, ORDER);
    FloatVector bias1 = FloatVector.fromMemorySegment(FLOATS, ALL, bias + 1 * VECTOR, ORDER);
    FloatVector gain2 = FloatVector.fromMemorySegment(FLOATS, ALL, gain + 2 * VECTOR, ORDER);
    FloatVector bias2 = FloatVector.fromMemorySegment(FLOATS, ALL, bias + 2 * VECTOR, ORDER);
    for (int r = 0; r < rows; r++) {
      long at = 3 * VECTOR * r;
      FloatVector x0 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at + 1 * VECTOR, ORDER);
      FloatVector x2 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at + 2 * VECTOR, ORDER);
      FloatVector mean = Vectors.total(x0.add(x1).add(x2)).mul(share);
      FloatVector centred0 = x0.sub(mean);
      FloatVector centred1 = x1.sub(mean);
      FloatVector centred2 = x2.sub(mean);
      FloatVector squares = centred2.fma(centred2, centred1.fma(centred1, centred0.mul(centred0)));
      FloatVector scale = FloatVector.broadcast(FLOATS, 1)
          .div(Vectors.total(squares).mul(share).add(epsilon).sqrt());
      ALL.set(FLOAT, statistics + 8L * r, mean.lane(0));
      ALL.set(FLOAT, statistics + 8L * r + 4, scale.lane(0));
      centred0.mul(scale).fma(gain0, bias0).intoMemorySegment(ALL, to + at, ORDER);
      centred1.mul(scale).fma(gain1, bias1).intoMemorySegment(ALL, to + at + 1 * VECTOR, ORDER);
      centred2.mul(scale).fma(gain2, bias2).intoMemorySegment(ALL, to + at + 2 * VECTOR, ORDER);
    }
  }

  /**
   * dGain and dBias of wider rows, a vector of columns at a time; in the loop over rows they would put vectors on
   * the heap.
   */
  static void parameters(long x, long statistics, long dOut, long dGain, long dBias, int rows, int vectors) {
    for (int vector = 0; vector < vectors; vector++) {
      parameters(x + vector * VECTOR, statistics, dOut + vector * VECTOR, dGain + vector * VECTOR,
          dBias + vector * VECTOR, rows, vectors * VECTOR);
    }
  }

  private static void parameters(long x, long statistics, long dOut, long dGain, long dBias, int rows,
      long rowBytes) {
    FloatVector gain = FloatVector.fromMemorySegment(FLOATS, ALL, dGain, ORDER);
    FloatVector bias = FloatVector.fromMemorySegment(FLOATS, ALL, dBias, ORDER);
    for (int r = 0; r < rows; r++) {
      FloatVector dy = FloatVector.fromMemorySegment(FLOATS, ALL, dOut + r * rowBytes, ORDER);
      FloatVector n = FloatVector.fromMemorySegment(FLOATS, ALL, x + r * rowBytes, ORDER)
          .sub(ALL.get(FLOAT, statistics + 8L * r))
          .mul(ALL.get(FLOAT, statistics + 8L * r + 4));
      gain = dy.fma(n, gain);
      bias = bias.add(dy);
    }
    gain.intoMemorySegment(ALL, dGain, ORDER);
    bias.intoMemorySegment(ALL, dBias, ORDER);
  }

  /** Rows of one vector: see {@link #backward}. */
  private static void backwardOne(long x, long statistics, long gain, long dOut, long residual, long dX,
      long dGain, long dBias, int rows) {
    float share = 1f / (1 * LANES);
    FloatVector gain0 = FloatVector.fromMemorySegment(FLOATS, ALL, gain, ORDER);
    FloatVector dGain0 = FloatVector.fromMemorySegment(FLOATS, ALL, dGain, ORDER);
    FloatVector dBias0 = FloatVector.fromMemorySegment(FLOATS, ALL, dBias, ORDER);
    for (int r = 0; r < rows; r++) {
      long at = 1 * VECTOR * r;
      float mean = ALL.get(FLOAT, statistics + 8L * r);
      float scale = ALL.get(FLOAT, statistics + 8L * r + 4);
      FloatVector n0 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at, ORDER).sub(mean).mul(scale);
      FloatVector dOut0 = FloatVector.fromMemorySegment(FLOATS, ALL, dOut + at, ORDER);
      dGain0 = dOut0.fma(n0, dGain0);
      dBias0 = dBias0.add(dOut0);
      FloatVector g0 = dOut0.mul(gain0);
      FloatVector meanOfG = Vectors.total(g0).mul(share);
      FloatVector meanOfGn = Vectors.total(g0.mul(n0)).mul(share);
      g0.sub(meanOfG)
          .sub(n0.mul(meanOfGn))
          .mul(scale)
          .add(FloatVector.fromMemorySegment(FLOATS, ALL, residual + at, ORDER))
          .intoMemorySegment(ALL, dX + at, ORDER);
    }
    dGain0.intoMemorySegment(ALL, dGain, ORDER);
    dBias0.intoMemorySegment(ALL, dBias, ORDER);
  }

  /** Rows of two vectors: see {@link #backward}. */
  private static void backwardTwo(long x, long statistics, long gain, long dOut, long residual, long dX,
      long dGain, long dBias, int rows) {
    float share = 1f / (2 * LANES);
    FloatVector gain0 = FloatVector.fromMemorySegment(FLOATS, ALL, gain, ORDER);
    FloatVector dGain0 = FloatVector.fromMemorySegment(FLOATS, ALL, dGain, ORDER);
    FloatVector dBias0 = FloatVector.fromMemorySegment(FLOATS, ALL, dBias, ORDER);
    FloatVector gain1 = FloatVector.fromMemorySegment(FLOATS, ALL, gain + 1 * VECTOR, ORDER);
    FloatVector dGain1 = FloatVector.fromMemorySegment(FLOATS, ALL, dGain + 1 * VECTOR, ORDER);
    FloatVector dBias1 = FloatVector.fromMemorySegment(FLOATS, ALL, dBias + 1 * VECTOR, ORDER);
    for (int r = 0; r < rows; r++) {
      long at = 2 * VECTOR * r;
      float mean = ALL.get(FLOAT, statistics + 8L * r);
      float scale = ALL.get(FLOAT, statistics + 8L * r + 4);
      FloatVector n0 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at, ORDER).sub(mean).mul(scale);
      FloatVector dOut0 = FloatVector.fromMemorySegment(FLOATS, ALL, dOut + at, ORDER);
      dGain0 = dOut0.fma(n0, dGain0);
      dBias0 = dBias0.add(dOut0);
      FloatVector g0 = dOut0.mul(gain0);
      FloatVector n1 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at + 1 * VECTOR, ORDER)
          .sub(mean)
          .mul(scale);
      FloatVector dOut1 = FloatVector.fromMemorySegment(FLOATS, ALL, dOut + at + 1 * VECTOR, ORDER);
      dGain1 = dOut1.fma(n1, dGain1);
      dBias1 = dBias1.add(dOut1);
      FloatVector g1 = dOut1.mul(gain1);
      FloatVector meanOfG = Vectors.total(g0.add(g1)).mul(share);
      FloatVector meanOfGn = Vectors.total(g1.fma(n1, g0.mul(n0))).mul(share);
      g0.sub(meanOfG)
          .sub(n0.mul(meanOfGn))
          .mul(scale)
          .add(FloatVector.fromMemorySegment(FLOATS, ALL, residual + at, ORDER))
          .intoMemorySegment(ALL, dX + at, ORDER);
      g1.sub(meanOfG)
          .sub(n1.mul(meanOfGn))
          .mul(scale)
          .add(FloatVector.fromMemorySegment(FLOATS, ALL, residual + at + 1 * VECTOR, ORDER))
          .intoMemorySegment(ALL, dX + at + 1 * VECTOR, ORDER);
    }
    dGain0.intoMemorySegment(ALL, dGain, ORDER);
    dBias0.intoMemorySegment(ALL, dBias, ORDER);
    dGain1.intoMemorySegment(ALL, dGain + 1 * VECTOR, ORDER);
    dBias1.intoMemorySegment(ALL, dBias + 1 * VECTOR, ORDER);
  }

  /** Rows of three vectors: see {@link #backward}. */
  private static void backwardThree(long x, long statistics, long gain, long dOut, long residual, long dX,
      int rows) {
    float share = 1f / (3 * LANES);
    FloatVector gain0 = FloatVector.fromMemorySegment(FLOATS, ALL, gain, ORDER);
    FloatVector gain1 = FloatVector.fromMemorySegment(FLOATS, ALL, gain + 1 * VECTOR, ORDER);
    FloatVector gain2 = FloatVector.fromMemorySegment(FLOATS, ALL, gain + 2 * VECTOR, ORDER);
    for (int r = 0; r < rows; r++) {
      long at = 3 * VECTOR * r;
      float mean = ALL.get(FLOAT, statistics + 8L * r);
      float scale = ALL.get(FLOAT, statistics + 8L * r + 4);
      FloatVector n0 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at, ORDER).sub(mean).mul(scale);
      FloatVector dOut0 = FloatVector.fromMemorySegment(FLOATS, ALL, dOut + at, ORDER);
      FloatVector g0 = dOut0.mul(gain0);
      FloatVector n1 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at + 1 * VECTOR, ORDER)
          .sub(mean)
          .mul(scale);
      FloatVector dOut1 = FloatVector.fromMemorySegment(FLOATS, ALL, dOut + at + 1 * VECTOR, ORDER);
      FloatVector g1 = dOut1.mul(gain1);
      FloatVector n2 = FloatVector.fromMemorySegment(FLOATS, ALL, x + at + 2 * VECTOR, ORDER)
          .sub(mean)
          .mul(scale);
      FloatVector dOut2 = FloatVector.fromMemorySegment(FLOATS, ALL, dOut + at + 2 * VECTOR, ORDER);
      FloatVector g2 = dOut2.mul(gain2);
      FloatVector meanOfG = Vectors.total(g0.add(g1).add(g2)).mul(share);
      FloatVector meanOfGn = Vectors.total(g2.fma(n2, g1.fma(n1, g0.mul(n0)))).mul(share);
      g0.sub(meanOfG)
          .sub(n0.mul(meanOfGn))
          .mul(scale)
          .add(FloatVector.fromMemorySegment(FLOATS, ALL, residual + at, ORDER))
          .intoMemorySegment(ALL, dX + at, ORDER);
      g1.sub(meanOfG)
          .sub(n1.mul(meanOfGn))
          .mul(scale)
          .add(FloatVector.fromMemorySegment(FLOATS, ALL, residual + at + 1 * VECTOR, ORDER))
          .intoMemorySegment(ALL, dX + at + 1 * VECTOR, ORDER);
      g2.sub(meanOfG)
          .sub(n2.mul(meanOfGn))
          .mul(scale)
          .add(FloatVector.fromMemorySegment(FLOATS, ALL, residual + at + 2 * VECTOR, ORDER))
          .intoMemorySegment(ALL, dX + at + 2 * VECTOR, ORDER);
    }
  }
}
