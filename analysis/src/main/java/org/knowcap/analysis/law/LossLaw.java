package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularMatrixException;
import org.apache.commons.math3.stat.correlation.PearsonsCorrelation;

/**
 * Loss in size and data: E + A / N^alpha + B / D^beta.
 *
 * <p>The fit minimises the sum over points of Huber's function of ln(law) - ln(loss). It starts from a dense grid of
 * alpha and beta, on which the other three are linear and not negative (variable projection); the best cells of the
 * grid, each in a block of its own, are refined by Newton's method with the exact Hessian, Huber's width going down
 * from least squares to its final value.
 *
 * @param irreducible E, nats
 * @param sizeFactor A
 * @param dataFactor B
 * @param alpha exponent of the size
 * @param beta exponent of the data
 * @param objective sum of Huber's function at the optimum
 * @param gradientNorm of the objective in (ln E, ln A', ln B', alpha, beta), where A' and B' are the terms at the
 *        centre of the data
 * @param stop why the optimiser stopped
 * @param starts cells of the grid that were refined
 * @param spread greatest less least alpha, or beta where that is more, among the optima whose objective is within
 *        1e-6 of the best, relatively
 */
public record LossLaw(double irreducible, double sizeFactor, double dataFactor, double alpha, double beta,
    double objective, double gradientNorm, String stop, int starts, double spread) {
  /** Width of Huber's function, as in arXiv 2203.15556 and 2404.10102. */
  public static final double HUBER = 1e-3;
  /** The least number of points for five parameters with intervals. */
  public static final int LEAST_POINTS = 8;
  private static final double COLLINEAR = 0.99;
  private static final int MOST_TRIES = 100;
  private static final double MOST_REDRAWN = 0.05;
  private static final int GRID = 64;
  private static final double LEAST_EXPONENT = 0.02;
  private static final double GREATEST_EXPONENT = 2;
  private static final int BLOCK = 8;
  private static final int REFINED = 4;
  private static final int STEPS = 200;
  private static final double LEAST_LOG = -25;

  /** Parameters of the law with their names, in the order of {@link #values}. */
  public static final List<String> NAMES = List.of("E", "A", "B", "alpha", "beta");

  /**
   * Fits.
   *
   * @throws LawException if there are too few points, or too few different sizes or amounts of data
   */
  public static LossLaw fit(List<LossPoint> points) {
    requireEnough(points);
    return new Fit(points).best(REFINED);
  }

  private static void requireEnough(List<LossPoint> points) {
    if (points.size() < LEAST_POINTS) {
      throw new LawException("a loss law of five parameters needs at least " + LEAST_POINTS
          + " points, found " + points.size() + ": measure " + (LEAST_POINTS - points.size()) + " more");
    }
    requireThreeOfBoth(points);
    if (correlation(points) > COLLINEAR) {
      throw new LawException(
          "size and data grow together in all points (correlation of their logarithms above 0.99), so that"
              + " their terms cannot be told apart: measure sizes and amounts of data in other combinations");
    }
  }

  /** Correlation of ln N and ln D, without its sign. */
  static double correlation(List<LossPoint> points) {
    return Math.abs(new PearsonsCorrelation().correlation(
        points.stream().mapToDouble(point -> Math.log(point.parameters())).toArray(),
        points.stream().mapToDouble(point -> Math.log(point.tokens())).toArray()));
  }

  private static void requireThreeOfBoth(List<LossPoint> points) {
    requireThree("sizes of model", points.stream().mapToDouble(LossPoint::parameters).distinct().count());
    requireThree("amounts of data", points.stream().mapToDouble(LossPoint::tokens).distinct().count());
  }

  private static void requireThree(String what, long found) {
    if (found < 3) {
      throw new LawException("a loss law needs at least three different " + what + ", found " + found
          + ": measure " + (3 - found) + " more");
    }
  }

  /** Its parameters: E, A, B, alpha, beta. */
  public double[] values() {
    return new double[]{irreducible, sizeFactor, dataFactor, alpha, beta};
  }

  /** The law's loss, nats. */
  public double at(double parameters, double tokens) {
    return irreducible + sizeFactor * Math.pow(parameters, -alpha) + dataFactor * Math.pow(tokens, -beta);
  }

  /**
   * Refits to clusters of points drawn with replacement, each from the grid anew.
   *
   * @param draws number of refits, at least 100
   * @param seed of the draws
   */
  public static LossBootstrap bootstrap(List<LossPoint> points, LossLaw fitted, int draws, long seed) {
    Map<String, List<LossPoint>> clusters = points.stream()
        .collect(Collectors.groupingBy(LossPoint::cluster, LinkedHashMap::new, Collectors.toList()));
    List<List<LossPoint>> each = List.copyOf(clusters.values());
    SplittableRandom random = new SplittableRandom(seed);
    LongAdder redrawn = new LongAdder();
    List<SplittableRandom> sources = IntStream.range(0, draws).mapToObj(_ -> random.split()).toList();
    List<LossLaw> fits = sources.parallelStream().map(source -> {
      List<LossPoint> sample = sample(each, source);
      for (int tries = 1; tries < MOST_TRIES && degenerate(sample); tries++) {
        redrawn.increment();
        sample = sample(each, source);
      }
      return new Fit(sample).best(2);
    }).toList();
    return redrawn.sum() > MOST_REDRAWN * draws
        ? new LossBootstrap(fitted, List.of(),
            redrawn.sum()
                + " of the bootstrap's samples could not be fitted, as too few different cells were drawn;"
                + " more cells are needed")
        : new LossBootstrap(fitted, fits,
            "percentiles of " + draws + " bootstrap fits over " + each.size() + " cells");
  }

  private static List<LossPoint> sample(List<List<LossPoint>> clusters, SplittableRandom source) {
    List<LossPoint> sample = new ArrayList<>();
    for (int i = 0; i < clusters.size(); i++) {
      sample.addAll(clusters.get(source.nextInt(clusters.size())));
    }
    return sample;
  }

  /** Whether these points do not determine five parameters. */
  private static boolean degenerate(List<LossPoint> sample) {
    return sample.stream().map(LossPoint::cluster).distinct().count() < NAMES.size()
        || sample.stream().mapToDouble(LossPoint::parameters).distinct().count() < 3
        || sample.stream().mapToDouble(LossPoint::tokens).distinct().count() < 3;
  }

  /** The optimiser's work on one set of points. */
  private static final class Fit {
    private final int n;
    /** ln N and ln D less their means, so that A' and B' are terms in the middle of the data. */
    private final double[] x;
    private final double[] y;
    private final double[] logLoss;
    private final double[] weight;
    private final double meanX;
    private final double meanY;

    private record Optimum(double[] at, double objective, double gradientNorm, String stop) {}

    private record Start(int i, int j, double squares, double[] linear) {}

    Fit(List<LossPoint> points) {
      n = points.size();
      x = points.stream().mapToDouble(point -> Math.log(point.parameters())).toArray();
      y = points.stream().mapToDouble(point -> Math.log(point.tokens())).toArray();
      logLoss = points.stream().mapToDouble(point -> Math.log(point.loss())).toArray();
      meanX = Arrays.stream(x).average().orElseThrow();
      meanY = Arrays.stream(y).average().orElseThrow();
      weight = new double[n];
      for (int i = 0; i < n; i++) {
        x[i] -= meanX;
        y[i] -= meanY;
        // A small relative error is one of the logarithm.
        weight[i] = Math.exp(-logLoss[i]);
      }
    }

    private static double spread(List<Optimum> optima, int exponent) {
      double[] found = optima.stream().mapToDouble(each -> each.at[exponent]).toArray();
      return Arrays.stream(found).max().orElseThrow() - Arrays.stream(found).min().orElseThrow();
    }

    LossLaw best(int refined) {
      List<Start> starts = starts(refined);
      List<Optimum> optima = starts.stream().map(this::refine).toList();
      Optimum best = optima.stream().min(Comparator.comparingDouble(Optimum::objective)).orElseThrow();
      List<Optimum> equal = optima.stream()
          .filter(each -> each.objective <= best.objective * (1 + 1e-6) + 1e-18)
          .toList();
      double spread = Math.max(spread(equal, 3), spread(equal, 4));
      double[] at = best.at;
      return new LossLaw(coefficient(at[0], 0), coefficient(at[1], at[3] * meanX),
          coefficient(at[2], at[4] * meanY), at[3], at[4], best.objective, best.gradientNorm, best.stop,
          starts.size(), spread);
    }

    /** Zero at the bound. */
    private static double coefficient(double logAtCentre, double shift) {
      return logAtCentre <= LEAST_LOG + 1 ? 0 : Math.exp(logAtCentre + shift);
    }

    private static double exponent(int i) {
      return LEAST_EXPONENT * Math.pow(GREATEST_EXPONENT / LEAST_EXPONENT, i / (GRID - 1.0));
    }

    /** The cells of the grid with the least sums of squares, each of a block of its own. */
    private List<Start> starts(int most) {
      double[][] u = new double[GRID][n];
      double[][] v = new double[GRID][n];
      for (int g = 0; g < GRID; g++) {
        double exponent = exponent(g);
        for (int k = 0; k < n; k++) {
          u[g][k] = weight[k] * Math.exp(-exponent * x[k]);
          v[g][k] = weight[k] * Math.exp(-exponent * y[k]);
        }
      }
      double[] ones = new double[n];
      Arrays.fill(ones, 1);
      double ww = dot(weight, weight);
      double wl = dot(weight, ones);
      double[][] uSums = sums(u, ones);
      double[][] vSums = sums(v, ones);
      Start[][] grid = new Start[GRID][GRID];
      for (int i = 0; i < GRID; i++) {
        for (int j = 0; j < GRID; j++) {
          double[][] gram = {{ww, uSums[i][0], vSums[j][0]}, {uSums[i][0], uSums[i][1], dot(u[i], v[j])},
              {vSums[j][0], 0, vSums[j][1]}};
          gram[2][1] = gram[1][2];
          grid[i][j] = projected(i, j, gram, new double[]{wl, uSums[i][2], vSums[j][2]}, n);
        }
      }
      // The lowest cell of each block: along a flat valley the grid has one local minimum, but optima may differ.
      List<Start> lowest = new ArrayList<>();
      for (int i = 0; i < GRID; i += BLOCK) {
        for (int j = 0; j < GRID; j += BLOCK) {
          Start best = grid[i][j];
          for (int k = 0; k < BLOCK * BLOCK; k++) {
            Start cell = grid[i + k / BLOCK][j + k % BLOCK];
            best = cell.squares < best.squares ? cell : best;
          }
          lowest.add(best);
        }
      }
      return lowest.stream().sorted(Comparator.comparingDouble(Start::squares)).limit(most).toList();
    }

    private double[][] sums(double[][] columns, double[] ones) {
      return Arrays.stream(columns)
          .map(column -> new double[]{dot(column, weight), dot(column, column), dot(column, ones)})
          .toArray(double[][]::new);
    }

    private static double dot(double[] a, double[] b) {
      double sum = 0;
      for (int i = 0; i < a.length; i++) {
        sum += a[i] * b[i];
      }
      return sum;
    }

    /** Least squares with three coefficients that are not negative: the best of the seven sets of positive ones. */
    private static Start projected(int i, int j, double[][] gram, double[] right, double total) {
      double least = Double.POSITIVE_INFINITY;
      double[] best = {1, 0, 0};
      for (int set = 1; set < 8; set++) {
        double[] solution = solved(gram, right, set);
        double fitted = 0;
        boolean valid = true;
        for (int k = 0; k < 3; k++) {
          valid &= solution[k] >= 0;
          fitted += solution[k] * right[k];
        }
        if (valid && total - fitted < least) {
          least = total - fitted;
          best = solution;
        }
      }
      return new Start(i, j, least, best);
    }

    /** Solves for the coefficients in the set, by elimination; the others are 0. Negative where it cannot be solved. */
    private static double[] solved(double[][] gram, double[] right, int set) {
      double[][] a = new double[3][4];
      for (int r = 0; r < 3; r++) {
        boolean inside = (set >> r & 1) == 1;
        for (int c = 0; c < 3; c++) {
          a[r][c] = inside && (set >> c & 1) == 1 ? gram[r][c] : r == c ? 1 : 0;
        }
        a[r][3] = inside ? right[r] : 0;
      }
      for (int p = 0; p < 3; p++) {
        if (!(a[p][p] > 1e-13 * gram[p][p])) {
          return new double[]{-1, -1, -1};
        }
        for (int r = p + 1; r < 3; r++) {
          double factor = a[r][p] / a[p][p];
          for (int c = p; c < 4; c++) {
            a[r][c] -= factor * a[p][c];
          }
        }
      }
      double[] solution = new double[3];
      for (int r = 2; r >= 0; r--) {
        double sum = a[r][3];
        for (int c = r + 1; c < 3; c++) {
          sum -= a[r][c] * solution[c];
        }
        solution[r] = sum / a[r][r];
      }
      return solution;
    }

    private Optimum refine(Start start) {
      double[] at = {log(start.linear[0]), log(start.linear[1]), log(start.linear[2]), exponent(start.i),
          exponent(start.j)};
      for (double width = 1; width > 1.5 * HUBER; width /= 10) {
        at = minimised(at, width, 30).at;
      }
      return minimised(at, HUBER, STEPS);
    }

    private static double log(double coefficient) {
      return Math.max(LEAST_LOG, Math.log(coefficient));
    }

    /** Newton's method, damped until the objective falls. */
    private Optimum minimised(double[] from, double width, int steps) {
      double[] at = from.clone();
      double damping = 1e-3;
      double[] gradient = new double[5];
      double[][] hessian = new double[5][5];
      double objective = evaluate(at, width, gradient, hessian);
      String stop = "after " + steps + " steps";
      for (int step = 0; step < steps; step++) {
        if (norm(gradient) <= 1e-13 * (1 + objective)) {
          stop = "gradient is zero";
          break;
        }
        boolean fell = false;
        double before = objective;
        while (!fell && damping < 1e12) {
          double[] next = step(at, gradient, hessian, damping);
          double there = evaluate(next, width, new double[0], new double[0][]);
          if (there < objective) {
            at = next;
            objective = there;
            fell = true;
            damping = Math.max(1e-12, damping / 10);
          } else {
            damping *= 10;
          }
        }
        if (!fell) {
          stop = "no step lowers the objective";
          break;
        }
        evaluate(at, width, gradient, hessian);
        if (before - objective <= 1e-13 * before) {
          stop = "the objective falls no more";
          break;
        }
      }
      return new Optimum(at, objective, norm(gradient), stop);
    }

    private static double norm(double[] vector) {
      return Math.sqrt(dot(vector, vector));
    }

    private static double[] step(double[] at, double[] gradient, double[][] hessian, double damping) {
      double[][] damped = new double[5][];
      for (int r = 0; r < 5; r++) {
        damped[r] = hessian[r].clone();
        damped[r][r] += damping * (Math.abs(hessian[r][r]) + 1e-12);
      }
      double[] next = at.clone();
      RealMatrix matrix = new Array2DRowRealMatrix(damped, false);
      try {
        double[] move = new LUDecomposition(matrix).getSolver()
            .solve(new ArrayRealVector(gradient, false))
            .toArray();
        double length = Arrays.stream(move).map(Math::abs).max().orElseThrow();
        double shorter = Math.min(1, 2 / length);
        // Against the gradient, whatever the curvature.
        double direction = dot(move, gradient) < 0 ? -1 : 1;
        for (int r = 0; r < 5; r++) {
          next[r] -= direction * shorter * move[r];
        }
      } catch (SingularMatrixException e) {
        return at;
      }
      for (int r = 0; r < 3; r++) {
        next[r] = Math.max(LEAST_LOG, next[r]);
      }
      for (int r = 3; r < 5; r++) {
        next[r] = Math.clamp(next[r], 0, 2 * GREATEST_EXPONENT);
      }
      return next;
    }

    /** The objective; gradient [5] and Hessian [5, 5] are filled unless their arrays are empty. */
    private double evaluate(double[] at, double width, double[] gradient, double[][] hessian) {
      double sum = 0;
      boolean derivatives = gradient.length > 0;
      if (derivatives) {
        Arrays.fill(gradient, 0);
        for (double[] row : hessian) {
          Arrays.fill(row, 0);
        }
      }
      double[] slope = new double[5];
      double a = Math.exp(at[0]);
      for (int i = 0; i < n; i++) {
        double b = Math.exp(at[1] - at[3] * x[i]);
        double c = Math.exp(at[2] - at[4] * y[i]);
        double total = a + b + c;
        double residual = Math.log(total) - logLoss[i];
        double away = Math.abs(residual);
        boolean inside = away <= width;
        sum += inside ? residual * residual / 2 : width * (away - width / 2);
        if (derivatives) {
          double p = b / total;
          double q = c / total;
          slope[0] = a / total;
          slope[1] = p;
          slope[2] = q;
          slope[3] = -p * x[i];
          slope[4] = -q * y[i];
          double first = inside ? residual : Math.signum(residual) * width;
          double second = inside ? 1 : 0;
          for (int r = 0; r < 5; r++) {
            gradient[r] += first * slope[r];
            for (int s = 0; s <= r; s++) {
              hessian[r][s] += (second - first) * slope[r] * slope[s];
            }
          }
          hessian[0][0] += first * slope[0];
          hessian[1][1] += first * p;
          hessian[2][2] += first * q;
          hessian[3][1] -= first * p * x[i];
          hessian[4][2] -= first * q * y[i];
          hessian[3][3] += first * p * x[i] * x[i];
          hessian[4][4] += first * q * y[i] * y[i];
        }
      }
      if (derivatives) {
        for (int r = 0; r < 5; r++) {
          for (int s = r + 1; s < 5; s++) {
            hessian[r][s] = hessian[s][r];
          }
        }
      }
      return sum;
    }
  }
}
