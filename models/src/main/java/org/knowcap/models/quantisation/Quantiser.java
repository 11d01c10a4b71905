package org.knowcap.models.quantisation;

/** A way to round a weight matrix to numbers that take few bits. */
public sealed interface Quantiser permits RoundToNearest, Gptq, NormalFloat, Int8WithOutliers {
  /** Short name, as a user writes it. */
  String method();

  /** Bits of a weight's code, without scales and zero points. */
  int bits();

  /** Number of weights that share a scale; 0 if it depends only on the matrix. */
  int group();

  /** Whether the rounding depends on the inputs of the matrix. */
  boolean calibrated();

  /** Method, bits and group in one word that can name a folder, such as gptq-4-g128. */
  default String label() {
    return method() + "-" + bits() + (group() == 0 ? "" : "-g" + group());
  }

  /**
   * Replaces each weight by the number that its code stands for.
   *
   * @param weights [outputs][inputs], all finite
   * @param inputs rows that the matrix is multiplied by; not read unless {@link #calibrated}
   * @return bits that the matrix takes: codes, scales, and everything else that is needed to read them
   * @throws IllegalArgumentException if a scale or a weight is too large for 16-bit floating point
   */
  long quantise(double[][] weights, Inputs inputs);
}
