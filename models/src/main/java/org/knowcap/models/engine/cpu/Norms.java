package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.program.Heads;

/** LayerNorm or RMSNorm, and its gradient with the gradient of the residual added. */
final class Norms {
  /** Floats of work space: rows of a tensor in bf16 that are held in fp32 at a time, a part of the innermost cache. */
  private static final int WORK = 2048;

  private Norms() {}

  /** Floats of work space for rows of so many columns. */
  static long workSize(int columns) {
    return Math.max(WORK, columns);
  }

  /**
   * out = (x - mean) * rstd * gain + bias, row by row. Without a bias it is RMSNorm, where zero stands for the mean.
   *
   * @param x [slice rows, d]
   * @param gain [1, d]
   * @param bias [1, d]
   * @param heads where each head of queries and keys is normed by itself; values pass through
   * @param out [slice rows, d]
   * @param statistics [slice rows, 2]: receives each row's mean and rstd; with heads one such pair for each
   * @param work offset of {@link #workSize} floats
   */
  static Kernel forward(MemorySegment memory, Matrix x, Matrix gain, Optional<Matrix> bias, float epsilon,
      Optional<Heads> heads, Matrix out, Matrix statistics, long work) {
    if (heads.isPresent()) {
      return ofHeads(memory, heads.get(), x, gain, epsilon, out, statistics);
    }
    return bias.isPresent() && ofFullVectors(x)
        ? layerNorms(memory, x, gain, bias.get(), epsilon, out, statistics, work)
        : rowByRow(memory, x, gain, bias, epsilon, out, statistics);
  }

  /** Whether whole slices of it are taken at once. */
  private static boolean ofFullVectors(Matrix x) {
    return !x.isBf16() && x.columns() % Vectors.LANES == 0;
  }

  /** What some rows at a time are done by. */
  private interface Rows {
    void run(int first, int count);
  }

  /** All rows, so many at a time that they have room in the work space. */
  private static Kernel inWork(Matrix x, Rows rows) {
    int most = (int) (workSize(x.columns()) / x.columns());
    return firstRow -> {
      for (int r = 0; r < x.rows(); r += most) {
        rows.run(r, Math.min(most, x.rows() - r));
      }
    };
  }

  /**
   * In bf16 by way of the work space: a loop that also converts would be too much for Java's compiler, which then
   * leaves vectors on the heap.
   */
  private static Kernel layerNorms(MemorySegment memory, Matrix x, Matrix gain, Matrix bias, float epsilon,
      Matrix out, Matrix statistics, long work) {
    int d = x.columns();
    if (!out.isBf16()) {
      return firstRow -> layerNorms(memory, x.offset(), gain.offset(), bias.offset(), epsilon, out.offset(),
          statistics.offset(), x.rows(), d);
    }
    return inWork(x, (first, count) -> {
      layerNorms(memory, x.at(first, 0), gain.offset(), bias.offset(), epsilon, work, statistics.at(first, 0),
          count, d);
      Loops.convert(memory, work, false, out.at(first, 0), true, (long) count * d);
    });
  }

  private static void layerNorms(MemorySegment memory, long x, long gain, long bias, float epsilon, long to,
      long statistics, int rows, int d) {
    if (NarrowNorms.take(d)) {
      long base = memory.address();
      NarrowNorms.forward(base + x, base + gain, base + bias, epsilon, base + to, base + statistics, rows, d);
    } else {
      Loops.layerNorms(memory, x, gain, bias, epsilon, to, statistics, rows, d);
    }
  }

  private static Kernel ofHeads(MemorySegment memory, Heads heads, Matrix x, Matrix gain, float epsilon,
      Matrix out, Matrix statistics) {
    int width = heads.width();
    List<Kernel> kernels = new ArrayList<>();
    // Of this only the values stay: a copy of them alone would write beyond a row's end.
    kernels.add(Elementwise.convert(memory, x, out));
    for (int head = 0; head < heads.count() + heads.keyCount(); head++) {
      kernels.add(rowByRow(memory, x.columns(head * width, width), ofHead(gain, heads, head),
          Optional.empty(), epsilon, out.columns(head * width, width), statistics.columns(2 * head, 2)));
    }
    return Kernel.inOrder(kernels);
  }

  /** The gain of queries or of keys. */
  private static Matrix ofHead(Matrix gain, Heads heads, int head) {
    return gain.columns(head < heads.count() ? 0 : heads.width(), heads.width());
  }

  private static Kernel ofHeadsBackward(MemorySegment memory, Heads heads, Matrix x, Matrix gain,
      Matrix statistics, Matrix dOut, Matrix dX, Matrix dGain) {
    int width = heads.width();
    List<Kernel> kernels = new ArrayList<>();
    kernels.add(Elementwise.convert(memory, dOut, dX));
    for (int head = 0; head < heads.count() + heads.keyCount(); head++) {
      kernels.add(rowByRowBackward(memory, x.columns(head * width, width), ofHead(gain, heads, head),
          statistics.columns(2 * head, 2), dOut.columns(head * width, width), dX.columns(head * width, width),
          ofHead(dGain, heads, head), Optional.empty()));
    }
    return Kernel.inOrder(kernels);
  }

  private static Kernel rowByRow(MemorySegment memory, Matrix x, Matrix gain, Optional<Matrix> bias,
      float epsilon, Matrix out, Matrix statistics) {
    int d = x.columns();
    return firstRow -> {
      for (int r = 0; r < x.rows(); r++) {
        long row = x.at(r, 0);
        float mean = bias.isPresent() ? Loops.sum(memory, row, x.isBf16(), d) / d : 0;
        float square = Loops.squares(memory, row, x.isBf16(), mean, d) / d;
        float scale = (float) (1 / Math.sqrt(square + epsilon));
        memory.set(ValueLayout.JAVA_FLOAT, statistics.at(r, 0), mean);
        memory.set(ValueLayout.JAVA_FLOAT, statistics.at(r, 1), scale);
        if (bias.isPresent()) {
          Loops.normalise(memory, row, x.isBf16(), mean, scale, gain.offset(), bias.get().offset(),
              out.at(r, 0), out.isBf16(), d);
        } else {
          Loops.scaleByGain(memory, row, x.isBf16(), scale, gain.offset(), out.at(r, 0), out.isBf16(), d);
        }
      }
    };
  }

  /**
   * dX = gradient of x [+ residual]; dGain and dBias are added to. With n the normalised x and g = dOut * gain,
   * dX = (g - mean(g) - n mean(g n)) / deviation, in RMSNorm without mean(g).
   *
   * @param residual a gradient of x from elsewhere to add, [slice rows, d]
   * @param statistics as {@link #forward} left them
   * @param work offset of {@link #workSize} floats
   */
  static Kernel backward(MemorySegment memory, Optional<Matrix> residual, Matrix x, Matrix gain,
      Optional<Heads> heads, Matrix statistics, Matrix dOut, Matrix dX, Matrix dGain, Optional<Matrix> dBias,
      long work) {
    boolean whole = heads.isEmpty() && dBias.isPresent() && ofFullVectors(x) && !dX.isBf16();
    if (whole && NarrowNorms.take(x.columns())) {
      return narrowBackward(memory, residual, x, gain, statistics, dOut, dX, dGain, dBias.get(), work);
    }
    Kernel norms = heads.isPresent()
        ? ofHeadsBackward(memory, heads.get(), x, gain, statistics, dOut, dX, dGain)
        : whole
            ? layerNormsBackward(memory, x, gain, statistics, dOut, dX, dGain, dBias.get(), work)
            : rowByRowBackward(memory, x, gain, statistics, dOut, dX, dGain, dBias);
    return residual.isEmpty()
        ? norms
        : Kernel.inOrder(List.of(norms, Elementwise.add(memory, residual.get(), dX, dX)));
  }

  private static Kernel narrowBackward(MemorySegment memory, Optional<Matrix> residual, Matrix x, Matrix gain,
      Matrix statistics, Matrix dOut, Matrix dX, Matrix dGain, Matrix dBias, long work) {
    int d = x.columns();
    long base = memory.address();
    Matrix other = residual.orElse(dX);
    Rows rows = (first, count) -> {
      if (residual.isEmpty()) {
        Loops.zero(memory, dX.at(first, 0), false, 0, (long) count * d);
      }
      if (dOut.isBf16()) {
        Loops.convert(memory, dOut.at(first, 0), true, work, false, (long) count * d);
      }
      NarrowNorms.backward(base + x.at(first, 0), base + statistics.at(first, 0), base + gain.offset(),
          base + (dOut.isBf16() ? work : dOut.at(first, 0)), base + other.at(first, 0),
          base + dX.at(first, 0), base + dGain.offset(), base + dBias.offset(), count, d);
    };
    return dOut.isBf16() ? inWork(x, rows) : firstRow -> rows.run(0, x.rows());
  }

  private static Kernel layerNormsBackward(MemorySegment memory, Matrix x, Matrix gain, Matrix statistics,
      Matrix dOut, Matrix dX, Matrix dGain, Matrix dBias, long work) {
    int d = x.columns();
    if (!dOut.isBf16()) {
      return firstRow -> layerNormGradients(memory, x.offset(), statistics.offset(), gain.offset(),
          dOut.offset(), dX.offset(), dGain.offset(), dBias.offset(), x.rows(), d);
    }
    return inWork(x, (first, count) -> {
      Loops.convert(memory, dOut.at(first, 0), true, work, false, (long) count * d);
      layerNormGradients(memory, x.at(first, 0), statistics.at(first, 0), gain.offset(), work,
          dX.at(first, 0), dGain.offset(), dBias.offset(), count, d);
    });
  }

  private static void layerNormGradients(MemorySegment memory, long x, long statistics, long gain, long dOut,
      long dX, long dGain, long dBias, int rows, int d) {
    long base = memory.address();
    NarrowNorms.parameters(base + x, base + statistics, base + dOut, base + dGain, base + dBias, rows,
        d / Vectors.LANES);
    Loops.layerNormGradients(memory, x, statistics, gain, dOut, dX, rows, d);
  }

  private static Kernel rowByRowBackward(MemorySegment memory, Matrix x, Matrix gain, Matrix statistics,
      Matrix dOut, Matrix dX, Matrix dGain, Optional<Matrix> dBias) {
    int d = x.columns();
    return firstRow -> {
      for (int r = 0; r < x.rows(); r++) {
        long row = x.at(r, 0);
        long dOutRow = dOut.at(r, 0);
        float mean = memory.get(ValueLayout.JAVA_FLOAT, statistics.at(r, 0));
        float scale = memory.get(ValueLayout.JAVA_FLOAT, statistics.at(r, 1));
        float meanOfG = 0;
        if (dBias.isPresent()) {
          Loops.normParameters(memory, row, x.isBf16(), mean, scale, dOutRow, dOut.isBf16(), dGain.offset(),
              dBias.get().offset(), d);
          meanOfG = Loops.dot(memory, dOutRow, dOut.isBf16(), gain.offset(), false, d) / d;
        } else {
          Loops.gainGradient(memory, row, x.isBf16(), scale, dOutRow, dOut.isBf16(), dGain.offset(), d);
        }
        float meanOfGn = Loops.sumOfGn(memory, row, x.isBf16(), mean, scale, gain.offset(), dOutRow,
            dOut.isBf16(), d) / d;
        Loops.normGradient(memory, row, x.isBf16(), mean, scale, gain.offset(), dOutRow, dOut.isBf16(),
            meanOfG, meanOfGn, dX.at(r, 0), dX.isBf16(), d);
      }
    };
  }
}
