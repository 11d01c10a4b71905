package org.knowcap.models.quantisation;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.CholeskyDecomposition;

/**
 * GPTQ (Frantar and others, arXiv 2210.17323, algorithm 1). Weights are rounded input by input. The weights that are
 * not rounded yet are changed, to compensate for the error that each rounding causes in the outputs on the
 * calibration rows X. The error of an output is |(w - q) X^T|^2. Its Hessian H = 2 X^T X is common to all outputs,
 * and is damped by 1 % of its mean diagonal. With H^-1 = U^T U, U upper triangular, rounding weight j to q leaves e
 * = (w_j - q) / U_jj, and each later weight k gives up e U_jk. Grids are those of {@link RoundToNearest}; each is
 * fixed when its first weight is rounded.
 *
 * <p>One thing differs from the paper: an input that is zero in all rows is rounded to nearest, and takes no part in
 * the compensation.
 *
 * @param bits 8, 4, 3 or 2
 * @param group weights that share a grid, at least 1
 * @param actOrder whether inputs are rounded by falling H_jj instead of in their order; each input then also stores
 *        the number of its group
 */
public record Gptq(int bits, int group, boolean actOrder) implements Quantiser {
  private static final double DAMPING = 0.01;
  /**
   * Number of inputs whose effects on later inputs are collected and then applied together, so that U is read from
   * the cache.
   */
  private static final int BLOCK = 128;
  /** Of pivots, in units of the mean diagonal; damping keeps them a million times larger. */
  private static final double SINGULAR = 1e-8;

  public Gptq {
    Grid.require(bits, group);
  }

  @Override
  public String method() {
    return actOrder ? "gptq-act-order" : "gptq";
  }

  @Override
  public boolean calibrated() {
    return true;
  }

  @Override
  public long quantise(double[][] weights, Inputs inputs) {
    int width = weights[0].length;
    double[][] hessian = Gram.of(width, inputs);
    int[] order = order(hessian);
    double[][] u = inverseFactor(damped(permuted(hessian, order)));
    Row[] rows = Stream.of(weights).map(row -> new Row(row, order)).toArray(Row[]::new);
    for (int from = 0; from < width;) {
      int start = from;
      int end = Math.min(Math.min(width, from + BLOCK), (from / group + 1) * group);
      Arrays.stream(rows).parallel().forEach(row -> row.round(start, end, u));
      from = end;
    }
    for (int i = 0; i < rows.length; i++) {
      rows[i].putBack(weights[i], order);
    }
    int groups = Grid.groups(width, group);
    // The group of an input, where that does not follow from its place.
    long places = actOrder ? (long) width * (Integer.SIZE - Integer.numberOfLeadingZeros(groups - 1)) : 0;
    return weights.length * ((long) width * bits + (long) groups * Grid.storage(bits)) + places;
  }

  /** One output's weights in the order of rounding. */
  private final class Row {
    private final double[] weights;
    private Grid grid = new Grid(0, 0, 0);

    Row(double[] weights, int[] order) {
      this.weights = IntStream.of(order).mapToDouble(i -> weights[i]).toArray();
    }

    /**
     * Rounds the weights of a block, which lies within one group, and compensates for the error in all later
     * weights.
     */
    void round(int start, int end, double[][] u) {
      if (start % group == 0) {
        grid = Grid.over(weights, start, Math.min(weights.length, start + group), bits);
      }
      double[] errors = new double[end - start];
      for (int j = start; j < end; j++) {
        double rounded = grid.round(weights[j]);
        errors[j - start] = (weights[j] - rounded) / u[j][j];
        weights[j] = rounded;
        subtract(errors[j - start], u[j], j + 1, end);
      }
      for (int j = start; j < end; j++) {
        subtract(errors[j - start], u[j], end, weights.length);
      }
    }

    private void subtract(double error, double[] u, int from, int to) {
      for (int k = from; k < to; k++) {
        weights[k] -= error * u[k];
      }
    }

    void putBack(double[] to, int[] order) {
      for (int i = 0; i < order.length; i++) {
        to[order[i]] = weights[i];
      }
    }
  }

  private int[] order(double[][] hessian) {
    Stream<Integer> inputs = IntStream.range(0, hessian.length).boxed();
    return (actOrder ? inputs.sorted(Comparator.comparingDouble(i -> -hessian[i][i])) : inputs)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static double[][] permuted(double[][] hessian, int[] order) {
    return IntStream.of(order)
        .mapToObj(i -> IntStream.of(order).mapToDouble(j -> hessian[i][j]).toArray())
        .toArray(double[][]::new);
  }

  /** H over its mean diagonal, damped. That leaves out the 2 and the number of rows too: U's scale does not matter. */
  private static double[][] damped(double[][] hessian) {
    double mean = IntStream.range(0, hessian.length).mapToDouble(i -> hessian[i][i]).average().orElseThrow();
    for (int i = 0; i < hessian.length; i++) {
      for (int j = 0; j < hessian.length && mean > 0; j++) {
        hessian[i][j] /= mean;
      }
      hessian[i][i] = (hessian[i][i] == 0 ? 1 : hessian[i][i]) + DAMPING;
    }
    return hessian;
  }

  /**
   * U of H^-1 = U^T U. Read backwards in rows and columns, H = L L^T by Cholesky; so H = R R^T with R, L read
   * backwards, upper triangular, and U = R^-1.
   */
  static double[][] inverseFactor(double[][] hessian) {
    double[][] l = new CholeskyDecomposition(new Array2DRowRealMatrix(backwards(hessian), false), SINGULAR,
        SINGULAR).getL().getData();
    double[][] r = backwards(l);
    return IntStream.range(0, r.length).parallel().mapToObj(i -> inverseRow(r, i)).toArray(double[][]::new);
  }

  /** Row i of R^-1: the x of x R = e_i. */
  private static double[] inverseRow(double[][] r, int i) {
    double[] x = new double[r.length];
    x[i] = 1;
    for (int j = i; j < r.length; j++) {
      x[j] /= r[j][j];
      for (int k = j + 1; k < r.length; k++) {
        x[k] -= x[j] * r[j][k];
      }
    }
    return x;
  }

  private static double[][] backwards(double[][] matrix) {
    int last = matrix.length - 1;
    return IntStream.rangeClosed(0, last)
        .mapToObj(i -> IntStream.rangeClosed(0, last).mapToDouble(j -> matrix[last - i][last - j]).toArray())
        .toArray(double[][]::new);
  }
}
