package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** LayerNorm with the residual addition before it, and its gradient with the residual's joined to it. */
final class Norms {
  /** A sum to be taken on the way: out = a + b, all [slice rows, d]. */
  record Sum(Matrix a, Matrix b) {}

  private Norms() {}

  /**
   * out = (x - mean) / deviation * gain + bias, row by row, where x = a + b is computed first if a sum is given.
   *
   * @param x [slice rows, d]; written if a sum is given
   * @param gain [1, d]
   * @param bias [1, d]
   * @param out [slice rows, d]
   * @param moments [slice rows, 2]: receives each row's mean and 1 / deviation
   */
  static Kernel forward(MemorySegment memory, Optional<Sum> sum, Matrix x, Matrix gain, Matrix bias,
      float epsilon, Matrix out, Matrix moments) {
    return firstRow -> {
      for (int r = 0; r < x.rows(); r++) {
        if (sum.isPresent()) {
          addRow(memory, sum.get(), x, r);
        }
        normRow(memory, x, gain.offset(), bias.offset(), epsilon, out, moments.at(r, 0), r);
      }
    };
  }

  private static void addRow(MemorySegment memory, Sum sum, Matrix x, int r) {
    Matrix a = sum.a();
    Matrix b = sum.b();
    int d = x.columns();
    int bound = FLOATS.loopBound(d);
    long aRow = a.at(r, 0);
    long bRow = b.at(r, 0);
    long row = x.at(r, 0);
    int i = 0;
    for (; i < bound; i += LANES) {
      Vectors.store(Vectors.load(memory, aRow, i, a.narrow()).add(Vectors.load(memory, bRow, i, b.narrow())),
          memory, row, i, x.narrow());
    }
    if (i < d) {
      VectorMask<Float> rest = FLOATS.indexInRange(i, d);
      Vectors.store(
          Vectors.load(memory, aRow, i, a.narrow(), rest)
              .add(Vectors.load(memory, bRow, i, b.narrow(), rest)),
          memory, row, i, x.narrow(), rest);
    }
  }

  private static void normRow(MemorySegment memory, Matrix x, long gain, long bias, float epsilon, Matrix out,
      long moments, int r) {
    int d = x.columns();
    int bound = FLOATS.loopBound(d);
    VectorMask<Float> rest = FLOATS.indexInRange(bound, d);
    boolean wide = x.narrow();
    boolean narrowOut = out.narrow();
    long row = x.at(r, 0);
    long outRow = out.at(r, 0);

    FloatVector total = Vectors.load(memory, row, bound, wide, rest);
    for (int i = 0; i < bound; i += LANES) {
      total = total.add(Vectors.load(memory, row, i, wide));
    }
    float mean = Vectors.sum(total) / d;
    FloatVector centred = Vectors.load(memory, row, bound, wide, rest).sub(mean, rest);
    FloatVector squares = centred.mul(centred);
    for (int i = 0; i < bound; i += LANES) {
      centred = Vectors.load(memory, row, i, wide).sub(mean);
      squares = centred.fma(centred, squares);
    }
    float scale = (float) (1 / Math.sqrt(Vectors.sum(squares) / d + epsilon));
    memory.set(ValueLayout.JAVA_FLOAT, moments, mean);
    memory.set(ValueLayout.JAVA_FLOAT, moments + 4, scale);

    for (int i = 0; i < bound; i += LANES) {
      FloatVector normalised = Vectors.load(memory, row, i, wide).sub(mean).mul(scale);
      Vectors.store(
          normalised.fma(Vectors.load(memory, gain, i, false), Vectors.load(memory, bias, i, false)), memory,
          outRow, i, narrowOut);
    }
    if (bound < d) {
      FloatVector normalised = Vectors.load(memory, row, bound, wide, rest).sub(mean).mul(scale);
      Vectors.store(normalised.fma(Vectors.load(memory, gain, bound, false, rest),
          Vectors.load(memory, bias, bound, false, rest)), memory, outRow, bound, narrowOut, rest);
    }
  }

  /**
   * dX = gradient of x [+ residual]; dGain and dBias are added to. With n the normalised x and g = dOut * gain,
   * dX = (g - mean(g) - n mean(g n)) / deviation.
   *
   * @param residual a gradient of x from elsewhere to add, [slice rows, d]
   * @param moments as {@link #forward} left them
   */
  static Kernel backward(MemorySegment memory, Optional<Matrix> residual, Matrix x, Matrix gain,
      Matrix moments,
      Matrix dOut, Matrix dX, Matrix dGain, Matrix dBias) {
    boolean joins = residual.isPresent();
    Matrix joined = residual.orElse(dX);
    return firstRow -> {
      for (int r = 0; r < x.rows(); r++) {
        backwardRow(memory, joins, joined, x, gain.offset(), moments.at(r, 0), dOut, dX, dGain.offset(),
            dBias.offset(), r);
      }
    };
  }

  private static void backwardRow(MemorySegment memory, boolean joins, Matrix residual, Matrix x, long gain,
      long moments, Matrix dOut, Matrix dX, long dGain, long dBias, int r) {
    int d = x.columns();
    int bound = FLOATS.loopBound(d);
    VectorMask<Float> rest = FLOATS.indexInRange(bound, d);
    float mean = memory.get(ValueLayout.JAVA_FLOAT, moments);
    float scale = memory.get(ValueLayout.JAVA_FLOAT, moments + 4);
    long xRow = x.at(r, 0);
    long dOutRow = dOut.at(r, 0);
    long dXRow = dX.at(r, 0);
    long residualRow = residual.at(r, 0);
    boolean narrowX = x.narrow();
    boolean narrowOut = dOut.narrow();

    FloatVector sumOfG = FloatVector.zero(FLOATS);
    FloatVector sumOfGn = FloatVector.zero(FLOATS);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector dy = Vectors.load(memory, dOutRow, i, narrowOut);
      FloatVector n = Vectors.load(memory, xRow, i, narrowX).sub(mean).mul(scale);
      Vectors.store(dy.fma(n, Vectors.load(memory, dGain, i, false)), memory, dGain, i, false);
      Vectors.store(dy.add(Vectors.load(memory, dBias, i, false)), memory, dBias, i, false);
      FloatVector g = dy.mul(Vectors.load(memory, gain, i, false));
      sumOfG = sumOfG.add(g);
      sumOfGn = g.fma(n, sumOfGn);
    }
    if (bound < d) {
      FloatVector dy = Vectors.load(memory, dOutRow, bound, narrowOut, rest);
      FloatVector n = Vectors.load(memory, xRow, bound, narrowX, rest).sub(mean).mul(scale);
      Vectors.store(dy.fma(n, Vectors.load(memory, dGain, bound, false, rest)), memory, dGain, bound, false,
          rest);
      Vectors.store(dy.add(Vectors.load(memory, dBias, bound, false, rest)), memory, dBias, bound, false,
          rest);
      FloatVector g = dy.mul(Vectors.load(memory, gain, bound, false, rest));
      sumOfG = sumOfG.add(g);
      sumOfGn = g.fma(n, sumOfGn);
    }
    float meanOfG = Vectors.sum(sumOfG) / d;
    float meanOfGn = Vectors.sum(sumOfGn) / d;

    boolean narrowDx = dX.narrow();
    for (int i = 0; i < bound; i += LANES) {
      FloatVector n = Vectors.load(memory, xRow, i, narrowX).sub(mean).mul(scale);
      FloatVector g = Vectors.load(memory, dOutRow, i, narrowOut).mul(Vectors.load(memory, gain, i, false));
      FloatVector dx = g.sub(meanOfG).sub(n.mul(meanOfGn)).mul(scale);
      if (joins) {
        dx = dx.add(Vectors.load(memory, residualRow, i, residual.narrow()));
      }
      Vectors.store(dx, memory, dXRow, i, narrowDx);
    }
    if (bound < d) {
      FloatVector n = Vectors.load(memory, xRow, bound, narrowX, rest).sub(mean).mul(scale);
      FloatVector g = Vectors.load(memory, dOutRow, bound, narrowOut, rest)
          .mul(Vectors.load(memory, gain, bound, false, rest));
      FloatVector dx = g.sub(meanOfG).sub(n.mul(meanOfGn)).mul(scale);
      if (joins) {
        dx = dx.add(Vectors.load(memory, residualRow, bound, residual.narrow(), rest));
      }
      Vectors.store(dx, memory, dXRow, bound, narrowDx, rest);
    }
  }
}
