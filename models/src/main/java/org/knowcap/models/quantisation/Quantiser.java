package org.knowcap.models.quantisation;

/** A way to round a weight matrix to numbers that take few bits. */
public sealed interface Quantiser permits RoundToNearest, Gptq, NormalFloat, Int8WithOutliers {
  /** Short name, as a user writes it. */
  String method();

  /** Bits of a weight, without what is stored beside it. */
  int bits();

  /** Weights that share a scale; 0 where that depends on the matrix alone. */
  int group();

  /** Whether the roundings depend on what the matrix is multiplied by. */
  boolean calibrated();

  /** Method, bits and group in a word that can name a folder, such as gptq-4-g128. */
  default String label() {
    return method() + "-" + bits() + (group() == 0 ? "" : "-g" + group());
  }

  /**
   * Replaces each weight by the number that its code stands for.
   *
   * @param weights [outputs][inputs], all finite
   * @param inputs rows that the matrix is multiplied by; not read unless {@link #calibrated}
   * @return bits that the matrix takes: codes, scales, and whatever else it takes to read them
   * @throws IllegalArgumentException where a scale or a weight is beyond 16-bit floating point
   */
  long quantise(double[][] weights, Inputs inputs);
}
