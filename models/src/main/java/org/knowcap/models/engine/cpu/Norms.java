package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.program.ForwardOperation.Heads;

/** LayerNorm or RMSNorm with the residual addition before it, and its gradient with the residual's joined to it. */
final class Norms {
  /** A sum to be taken on the way: a + b, both [slice rows, d]. */
  record Sum(Matrix a, Matrix b) {}

  private Norms() {}

  /**
   * out = (x - mean) / deviation * gain + bias, row by row, where x = a + b is computed first if a sum is given. Without
   * a bias it is RMSNorm, where zero stands for the mean.
   *
   * @param x [slice rows, d]; written if a sum is given
   * @param gain [1, d]
   * @param bias [1, d]
   * @param heads where each head of queries and keys is normed by itself; values pass through
   * @param out [slice rows, d]
   * @param moments [slice rows, 2]: receives each row's mean and 1 / deviation; of heads as many such pairs
   */
  static Kernel forward(MemorySegment memory, Optional<Sum> sum, Matrix x, Matrix gain, Optional<Matrix> bias,
      float epsilon, Optional<Heads> heads, Matrix out, Matrix moments) {
    int d = x.columns();
    Kernel norms = heads.isPresent()
        ? ofHeads(memory, heads.get(), x, gain, epsilon, out, moments)
        : bias.isPresent() && !out.narrow() && d % Vectors.LANES == 0
            ? firstRow -> Loops.layerNorms(memory, x.offset(), x.narrow(), gain.offset(), bias.get().offset(),
                epsilon, out.offset(), out.narrow(), moments.offset(), x.rows(), d)
            : rowByRow(memory, x, gain, bias, epsilon, out, moments);
    return sum.isEmpty()
        ? norms
        : Kernel.inOrder(List.of(Elementwise.add(memory, sum.get().a(), sum.get().b(), x), norms));
  }

  private static Kernel ofHeads(MemorySegment memory, Heads heads, Matrix x, Matrix gain, float epsilon,
      Matrix out, Matrix moments) {
    int width = heads.width();
    List<Kernel> kernels = new ArrayList<>();
    // Of this only the values stay: a copy of them alone would write beyond a row's end.
    kernels.add(Elementwise.convert(memory, x, out));
    for (int head = 0; head < heads.count() + heads.keyCount(); head++) {
      kernels.add(rowByRow(memory, x.columns(head * width, width), ofHead(gain, heads, head),
          Optional.empty(), epsilon, out.columns(head * width, width), moments.columns(2 * head, 2)));
    }
    return Kernel.inOrder(kernels);
  }

  /** The gain of queries or of keys. */
  private static Matrix ofHead(Matrix gain, Heads heads, int head) {
    return gain.columns(head < heads.count() ? 0 : heads.width(), heads.width());
  }

  private static Kernel ofHeadsBackward(MemorySegment memory, Heads heads, Matrix x, Matrix gain,
      Matrix moments, Matrix dOut, Matrix dX, Matrix dGain) {
    int width = heads.width();
    List<Kernel> kernels = new ArrayList<>();
    kernels.add(Elementwise.convert(memory, dOut, dX));
    for (int head = 0; head < heads.count() + heads.keyCount(); head++) {
      kernels.add(rowByRowBackward(memory, x.columns(head * width, width), ofHead(gain, heads, head),
          moments.columns(2 * head, 2), dOut.columns(head * width, width), dX.columns(head * width, width),
          ofHead(dGain, heads, head), Optional.empty()));
    }
    return Kernel.inOrder(kernels);
  }

  private static Kernel rowByRow(MemorySegment memory, Matrix x, Matrix gain, Optional<Matrix> bias,
      float epsilon, Matrix out, Matrix moments) {
    int d = x.columns();
    return firstRow -> {
      for (int r = 0; r < x.rows(); r++) {
        long row = x.at(r, 0);
        float mean = bias.isPresent() ? Loops.sum(memory, row, x.narrow(), d) / d : 0;
        float square = Loops.squares(memory, row, x.narrow(), mean, d) / d;
        float scale = (float) (1 / Math.sqrt(square + epsilon));
        memory.set(ValueLayout.JAVA_FLOAT, moments.at(r, 0), mean);
        memory.set(ValueLayout.JAVA_FLOAT, moments.at(r, 1), scale);
        if (bias.isPresent()) {
          Loops.normalise(memory, row, x.narrow(), mean, scale, gain.offset(), bias.get().offset(),
              out.at(r, 0), out.narrow(), d);
        } else {
          Loops.scaleByGain(memory, row, x.narrow(), scale, gain.offset(), out.at(r, 0), out.narrow(), d);
        }
      }
    };
  }

  /**
   * dX = gradient of x [+ residual]; dGain and dBias are added to. With n the normalised x and g = dOut * gain,
   * dX = (g - mean(g) - n mean(g n)) / deviation, in RMSNorm without mean(g).
   *
   * @param residual a gradient of x from elsewhere to add, [slice rows, d]
   * @param moments as {@link #forward} left them
   */
  static Kernel backward(MemorySegment memory, Optional<Matrix> residual, Matrix x, Matrix gain,
      Optional<Heads> heads, Matrix moments, Matrix dOut, Matrix dX, Matrix dGain, Optional<Matrix> dBias) {
    int d = x.columns();
    Kernel norms = heads.isPresent()
        ? ofHeadsBackward(memory, heads.get(), x, gain, moments, dOut, dX, dGain)
        : dBias.isPresent() && !dOut.narrow() && d % Vectors.LANES == 0
            ? ofFullVectors(memory, x, gain, moments, dOut, dX, dGain, dBias.get())
            : rowByRowBackward(memory, x, gain, moments, dOut, dX, dGain, dBias);
    return residual.isEmpty()
        ? norms
        : Kernel.inOrder(List.of(norms, Elementwise.add(memory, residual.get(), dX, dX)));
  }

  private static Kernel ofFullVectors(MemorySegment memory, Matrix x, Matrix gain, Matrix moments,
      Matrix dOut, Matrix dX, Matrix dGain, Matrix dBias) {
    int d = x.columns();
    return firstRow -> {
      for (int column = 0; column < d; column += Vectors.LANES) {
        Loops.layerNormParameters(memory, x.offset(), x.narrow(), moments.offset(), dOut.offset(),
            dOut.narrow(), dGain.offset(), dBias.offset(), x.rows(), d, column);
      }
      Loops.layerNormGradients(memory, x.offset(), x.narrow(), moments.offset(), gain.offset(), dOut.offset(),
          dOut.narrow(), dX.offset(), dX.narrow(), x.rows(), d);
    };
  }

  private static Kernel rowByRowBackward(MemorySegment memory, Matrix x, Matrix gain, Matrix moments,
      Matrix dOut, Matrix dX, Matrix dGain, Optional<Matrix> dBias) {
    int d = x.columns();
    return firstRow -> {
      for (int r = 0; r < x.rows(); r++) {
        long row = x.at(r, 0);
        long dOutRow = dOut.at(r, 0);
        float mean = memory.get(ValueLayout.JAVA_FLOAT, moments.at(r, 0));
        float scale = memory.get(ValueLayout.JAVA_FLOAT, moments.at(r, 1));
        float meanOfG = 0;
        if (dBias.isPresent()) {
          Loops.normParameters(memory, row, x.narrow(), mean, scale, dOutRow, dOut.narrow(), dGain.offset(),
              dBias.get().offset(), d);
          meanOfG = Loops.dot(memory, dOutRow, dOut.narrow(), gain.offset(), false, d) / d;
        } else {
          Loops.gainGradient(memory, row, x.narrow(), scale, dOutRow, dOut.narrow(), dGain.offset(), d);
        }
        float meanOfGn = Loops.sumOfGn(memory, row, x.narrow(), mean, scale, gain.offset(), dOutRow,
            dOut.narrow(), d) / d;
        Loops.normGradient(memory, row, x.narrow(), mean, scale, gain.offset(), dOutRow, dOut.narrow(),
            meanOfG, meanOfGn, dX.at(r, 0), dX.narrow(), d);
      }
    };
  }
}
