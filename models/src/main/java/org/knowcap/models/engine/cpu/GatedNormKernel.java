package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import org.knowcap.models.program.GatedNorm;

/** The norm of each head times a gate, head by head, in rows of fp32 in the work space. */
final class GatedNormKernel {
  private static final int BUFFERS = 5;

  private final MemorySegment memory;
  private final int width;
  /** The width to full vectors. */
  private final int padded;
  private final float epsilon;
  private final long x;
  private final long gate;
  private final long gain;
  private final long dOut;
  private final long other;

  /** @param work offset of {@link #workSize} floats */
  GatedNormKernel(MemorySegment memory, GatedNorm operation, long work) {
    this.memory = memory;
    width = operation.width();
    padded = Matrix.stride(width);
    epsilon = (float) operation.epsilon();
    x = work;
    gate = x + 4L * padded;
    gain = gate + 4L * padded;
    dOut = gain + 4L * padded;
    other = dOut + 4L * padded;
  }

  /** Floats of work space. */
  static long workSize(GatedNorm operation) {
    return BUFFERS * (long) Matrix.stride(operation.width());
  }

  private void take(Matrix from, int row, int column, long to) {
    Loops.scaled(memory, from.at(row, column), from.isBf16(), 1, to, false, width);
  }

  private void give(long from, Matrix to, int row, int column) {
    Loops.scaled(memory, from, false, 1, to.at(row, column), to.isBf16(), width);
  }

  private void begin(Matrix gains) {
    Loops.zero(memory, x, false, 0, (long) BUFFERS * padded);
    take(gains, 0, 0, gain);
  }

  /** One over the root of the mean square. */
  private float rstd() {
    return (float) (1 / Math.sqrt(Loops.dot(memory, x, false, x, false, padded) / width + epsilon));
  }

  /** out = x * rstd * gain * silu(gate). */
  Kernel forward(Matrix xs, Matrix gains, Matrix gates, Matrix out) {
    return firstRow -> {
      begin(gains);
      for (int r = 0; r < out.rows(); r++) {
        for (int c = 0; c < out.columns(); c += width) {
          take(xs, r, c, x);
          take(gates, r, c, gate);
          RecurrenceLoops.gatedNorm(memory, x, gate, gain, rstd(), other, padded);
          give(other, out, r, c);
        }
      }
    };
  }

  /** Gradients of x and gate, written, and of the gain, added to. */
  Kernel backward(Matrix xs, Matrix gains, Matrix gates, Matrix dOuts, Matrix dXs, Matrix dGains,
      Matrix dGates) {
    return firstRow -> {
      begin(gains);
      for (int r = 0; r < dOuts.rows(); r++) {
        for (int c = 0; c < dOuts.columns(); c += width) {
          take(xs, r, c, x);
          take(gates, r, c, gate);
          take(dOuts, r, c, dOut);
          float rstd = rstd();
          RecurrenceLoops.gateGradients(memory, x, gate, gain, rstd, dOut, padded);
          give(gate, dGates, r, c);
          Loops.accumulateProduct(memory, x, false, dOut, false, dGains.at(0, 0), width);
          float along = RecurrenceLoops.timesGain(memory, x, gain, dOut, other, padded) / width;
          RecurrenceLoops.normGradient(memory, x, other, along, rstd, padded);
          give(other, dXs, r, c);
        }
      }
    };
  }
}
