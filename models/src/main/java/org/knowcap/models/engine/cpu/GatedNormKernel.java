package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import org.knowcap.models.program.GatedNorm;

/** The norm of each head times a gate, row by row in fp32 in the work space, where each head has full vectors. */
final class GatedNormKernel {
  private static final int BUFFERS = 4;

  private final MemorySegment memory;
  private final int width;
  private final int heads;
  /** The width to full vectors. */
  private final int padded;
  private final float epsilon;
  /** A row as it lies in memory; then [heads, padded] each; then the gain and its gradient. */
  private final long row;
  private final long x;
  private final long gate;
  private final long dOut;
  private final long other;
  private final long gain;
  private final long dGain;

  /** @param work offset of {@link #workSize} floats */
  GatedNormKernel(MemorySegment memory, GatedNorm operation, long work) {
    this.memory = memory;
    width = operation.width();
    heads = operation.x().columns() / width;
    padded = Matrix.stride(width);
    epsilon = (float) operation.epsilon();
    row = work;
    x = row + 4L * Matrix.stride(operation.x().columns());
    gate = x + 4L * heads * padded;
    dOut = gate + 4L * heads * padded;
    other = dOut + 4L * heads * padded;
    gain = other + 4L * heads * padded;
    dGain = gain + 4L * padded;
  }

  /** Floats of work space. */
  static long workSize(GatedNorm operation) {
    int columns = operation.x().columns();
    long padded = Matrix.stride(operation.width());
    return Matrix.stride(columns) + (BUFFERS * (long) (columns / operation.width()) + 2) * padded;
  }

  private void take(Matrix from, int r, long to) {
    Loops.scaled(memory, from.at(r, 0), from.isBf16(), 1, row, false, heads * width);
    RecurrenceLoops.copyRows(memory, row, 4L * width, to, 4L * padded, heads, width);
  }

  private void give(long from, Matrix to, int r) {
    RecurrenceLoops.copyRows(memory, from, 4L * padded, row, 4L * width, heads, width);
    Loops.scaled(memory, row, false, 1, to.at(r, 0), to.isBf16(), heads * width);
  }

  private void begin(Matrix gains) {
    Loops.zero(memory, x, false, 0, (BUFFERS * (long) heads + 2) * padded);
    RecurrenceLoops.copyRows(memory, gains.at(0, 0), 4L * width, gain, 4L * padded, 1, width);
  }

  /** One over the root of the mean square. */
  private float rstd(long at) {
    return (float) (1 / Math.sqrt(Loops.dot(memory, at, false, at, false, padded) / width + epsilon));
  }

  /** out = x * rstd * gain * silu(gate). */
  Kernel forward(Matrix xs, Matrix gains, Matrix gates, Matrix out) {
    return firstRow -> {
      begin(gains);
      for (int r = 0; r < out.rows(); r++) {
        take(xs, r, x);
        take(gates, r, gate);
        for (int head = 0; head < heads; head++) {
          long at = 4L * head * padded;
          RecurrenceLoops.gatedNorm(memory, x + at, gate + at, gain, rstd(x + at), other + at, padded);
        }
        give(other, out, r);
      }
    };
  }

  /** Gradients of x and gate, written, and of the gain, added to. */
  Kernel backward(Matrix xs, Matrix gains, Matrix gates, Matrix dOuts, Matrix dXs, Matrix dGains,
      Matrix dGates) {
    return firstRow -> {
      begin(gains);
      for (int r = 0; r < dOuts.rows(); r++) {
        take(xs, r, x);
        take(gates, r, gate);
        take(dOuts, r, dOut);
        RecurrenceLoops.exponentials(memory, gate, -1, other, heads * padded);
        for (int head = 0; head < heads; head++) {
          long at = 4L * head * padded;
          float rstd = rstd(x + at);
          RecurrenceLoops.gateGradients(memory, x + at, gate + at, other + at, gain, rstd, dOut + at, padded);
          Loops.accumulateProduct(memory, x + at, false, dOut + at, false, dGain, padded);
          float along = RecurrenceLoops.timesGain(memory, x + at, gain, dOut + at, other + at, padded)
              / width;
          RecurrenceLoops.normGradient(memory, x + at, other + at, along, rstd, padded);
        }
        give(gate, dGates, r);
        give(other, dXs, r);
      }
      Loops.accumulate(memory, dGain, false, dGains.at(0, 0), width);
    };
  }
}
