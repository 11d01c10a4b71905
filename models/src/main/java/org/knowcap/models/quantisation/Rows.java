package org.knowcap.models.quantisation;

/** Largest absolute weights, from which scales are made. */
final class Rows {
  private Rows() {}

  /** That of a matrix. */
  static double largest(double[][] weights) {
    double largest = 0;
    for (double[] row : weights) {
      largest = Math.max(largest, largest(row, 0, row.length));
    }
    return largest;
  }

  /** That of a part of a row, from one weight to before another. */
  static double largest(double[] row, int from, int to) {
    double largest = 0;
    for (int i = from; i < to; i++) {
      largest = Math.max(largest, Math.abs(row[i]));
    }
    return largest;
  }
}
