package org.knowcap.models.quantisation;

/** Largest absolute weights, from which scales are made. */
final class Rows {
  private Rows() {}

  /** That of a matrix. */
  static double largest(double[][] weights) {
    return largest(weights, 0, (long) weights.length * weights[0].length);
  }

  /** That of a part of a matrix, row after row, from one weight to before another. */
  static double largest(double[][] weights, long from, long to) {
    int width = weights[0].length;
    double largest = 0;
    for (long at = from; at < to;) {
      int column = (int) (at % width);
      int end = (int) Math.min(width, column + to - at);
      largest = Math.max(largest, largest(weights[(int) (at / width)], column, end));
      at += end - column;
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
