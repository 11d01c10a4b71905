package org.knowcap.models.quantisation;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** Random weights and inputs, and what rounding does to outputs. */
final class Samples {
  private Samples() {}

  static Inputs inputs(double[][] rows) {
    return reader -> {
      for (double[] row : rows) {
        float[] copy = new float[row.length];
        IntStream.range(0, row.length).forEach(i -> copy[i] = (float) row[i]);
        reader.accept(copy);
      }
    };
  }

  static double[][] normal(int rows, int columns, RandomGenerator random) {
    return IntStream.range(0, rows)
        .mapToObj(r -> random.doubles(columns).map(x -> random.nextGaussian()).toArray())
        .toArray(double[][]::new);
  }

  /** Rows that lie near a subspace of so many dimensions, at a relative distance {@code noise}. */
  static double[][] correlated(int rows, int columns, int dimensions, double noise, RandomGenerator random) {
    double[][] mixed = product(normal(rows, dimensions, random), normal(dimensions, columns, random));
    double[][] other = normal(rows, columns, random);
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < columns; i++) {
        mixed[r][i] += noise * Math.sqrt(dimensions) * other[r][i];
      }
    }
    return mixed;
  }

  static double[][] copy(double[][] matrix) {
    return Arrays.stream(matrix).map(double[]::clone).toArray(double[][]::new);
  }

  static double[][] quantised(Quantiser quantiser, double[][] weights, double[][] rows) {
    double[][] copy = copy(weights);
    quantiser.quantise(copy, inputs(rows));
    return copy;
  }

  /** |(w - q) X^T|^2 of one output. */
  static double error(double[] weights, double[] rounded, double[][] rows) {
    double sum = 0;
    for (double[] row : rows) {
      double difference = 0;
      for (int i = 0; i < row.length; i++) {
        difference += (weights[i] - rounded[i]) * row[i];
      }
      sum += difference * difference;
    }
    return sum;
  }

  /** |W X^T - Q X^T|^2 over all outputs. */
  static double error(double[][] weights, double[][] rounded, double[][] rows) {
    return IntStream.range(0, weights.length).mapToDouble(i -> error(weights[i], rounded[i], rows)).sum();
  }

  static double[][] product(double[][] a, double[][] b) {
    double[][] c = new double[a.length][b[0].length];
    for (int i = 0; i < a.length; i++) {
      for (int k = 0; k < b.length; k++) {
        for (int j = 0; j < b[0].length; j++) {
          c[i][j] += a[i][k] * b[k][j];
        }
      }
    }
    return c;
  }
}
