package org.knowcap.models.engine;

import java.util.List;
import java.util.function.Consumer;
import org.knowcap.models.program.Program;

/**
 * Training with rounded weights, by the straight-through estimator (Bengio and others, arXiv 1308.3432): products read
 * rounded matrices, the gradient is that of the model with the rounded matrices, and the optimiser applies it to exact ones,
 * which are rounded anew after each step.
 */
public interface WeightRounding {
  /**
   * What rounds the matrices of flat parameters, [P], in place: one matrix each, so they can run side by side. They throw
   * {@link RoundingException} where the format has no number for a weight.
   *
   * @throws IllegalArgumentException if no matrix of the program can be rounded
   */
  List<Consumer<float[]>> matrices(Program program);

  /** Bytes that it takes in training: the rounded weights that matmuls read, and the array in which they are rounded. */
  static long bytes(Program program) {
    return 2L * Float.BYTES * program.parameterCount();
  }
}
