package org.knowcap.models.quantisation;

import java.util.stream.IntStream;

/** Adds up X^T X over rows, in double precision; the sum is the same on any number of threads. */
final class Gram {
  /** Rows that are added at once, so that they are read from the cache. */
  private static final int ROWS = 64;

  private final double[][] sum;
  private final double[][] waiting;
  private int count;

  private Gram(int width) {
    sum = new double[width][width];
    waiting = new double[ROWS][width];
  }

  /** X^T X, [width][width], of all the rows. */
  static double[][] of(int width, Inputs inputs) {
    Gram gram = new Gram(width);
    inputs.forEach(gram::add);
    gram.flush();
    for (int i = 0; i < width; i++) {
      for (int j = 0; j < i; j++) {
        gram.sum[i][j] = gram.sum[j][i];
      }
    }
    return gram.sum;
  }

  private void add(float[] row) {
    for (int i = 0; i < row.length; i++) {
      waiting[count][i] = row[i];
    }
    count++;
    if (count == ROWS) {
      flush();
    }
  }

  private void flush() {
    IntStream.range(0, sum.length).parallel().forEach(i -> {
      for (int row = 0; row < count; row++) {
        addScaled(waiting[row][i], waiting[row], i, sum[i]);
      }
    });
    count = 0;
  }

  private static void addScaled(double factor, double[] row, int from, double[] sum) {
    for (int j = from; j < sum.length; j++) {
      sum[j] += factor * row[j];
    }
  }
}
