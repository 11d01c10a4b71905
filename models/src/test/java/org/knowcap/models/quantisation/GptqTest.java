package org.knowcap.models.quantisation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiFunction;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.LUDecomposition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GptqTest {
  private static final int SEEDS = 30;

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  /** Rows that a matrix may meet, and the largest error beside rounding to nearest that they may leave. */
  enum Meeting {
    /** Nothing to make up by, but for what chance correlates. */
    INDEPENDENT(1.05, (width, random) -> Samples.normal(200, width, random)),
    /** Near 6 dimensions. */
    CORRELATED(0.7, (width, random) -> Samples.correlated(200, width, 6, 0.3, random)),
    /** A Hessian of rank 4. */
    FLAT(0.7, (width, random) -> Samples.correlated(200, width, 4, 0, random)),
    /** Fewer rows than inputs. */
    FEW(0.7, (width, random) -> Samples.normal(7, width, random)),
    /** One input thirty times the others, two that never are. */
    UNEVEN(0.7, (width, random) -> {
      double[][] rows = Samples.correlated(200, width, 6, 0.3, random);
      for (double[] row : rows) {
        row[5] *= 30;
        row[3] = 0;
        row[9] = 0;
      }
      return rows;
    });

    private final double bound;
    private final BiFunction<Integer, RandomGenerator, double[][]> rows;

    Meeting(double bound, BiFunction<Integer, RandomGenerator, double[][]> rows) {
      this.bound = bound;
      this.rows = rows;
    }
  }

  @ParameterizedTest
  @EnumSource(Meeting.class)
  void outputsErrByLessThanWithRoundingToNearest(Meeting meeting) {
    for (int bits : new int[]{8, 4, 3, 2}) {
      for (int seed = 0; seed < SEEDS; seed++) {
        RandomGenerator random = random(seed);
        double[][] rows = meeting.rows.apply(24, random);
        double[][] weights = Samples.normal(16, 24, random);
        // In another order groups of 8 would be other groups.
        for (Gptq gptq : List.of(new Gptq(bits, 8, false), new Gptq(bits, 24, false),
            new Gptq(bits, 24, true))) {
          double error = Samples.error(weights, Samples.quantised(gptq, weights, rows), rows);
          double nearest = Samples.error(weights,
              Samples.quantised(new RoundToNearest(bits, gptq.group()), weights, rows), rows);
          assertTrue(error <= meeting.bound * nearest,
              gptq + ", seed " + seed + ": " + error + " beside " + nearest);
        }
      }
    }
  }

  /** Against all 4^5 ways to round 5 weights to the same grid. */
  @Test
  void comesNearTheBestThereIs() {
    double sum = 0;
    double best = 0;
    double nearest = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      RandomGenerator random = random(seed);
      double[][] rows = Samples.correlated(50, 5, 2, 0.4, random);
      double[] weights = Samples.normal(1, 5, random)[0];
      Grid grid = Grid.over(weights, 0, 5, 2);
      double least = Double.POSITIVE_INFINITY;
      for (int code = 0; code < 1 << 10; code++) {
        int codes = code;
        double[] rounded = IntStream.range(0, 5)
            .mapToDouble(i -> grid.scale() * ((codes >> 2 * i & 3) - grid.zero()))
            .toArray();
        least = Math.min(least, Samples.error(weights, rounded, rows));
      }
      double error = Samples.error(weights,
          Samples.quantised(new Gptq(2, 5, false), new double[][]{weights}, rows)[0], rows);
      assertTrue(error >= least * (1 - 1e-9), "seed " + seed + ": below the best there is");
      sum += error;
      best += least;
      nearest += Samples.error(weights,
          Samples.quantised(new RoundToNearest(2, 5), new double[][]{weights}, rows)[0], rows);
    }
    assertTrue(sum - best < 0.5 * (nearest - best),
        "errors: best " + best + ", GPTQ " + sum + ", nearest " + nearest);
  }

  /**
   * The same by the method that it speeds up (the paper's equation 2): after each weight, the Hessian of those that are
   * left is inverted anew.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void isTheSlowMethodMadeFast(boolean actOrder) {
    // Wider than a block, with groups that end inside of blocks, at their ends and beyond.
    for (int group : new int[]{7, 64, 140, 1000}) {
      RandomGenerator random = random(group);
      double[][] rows = Samples.correlated(200, 150, 40, 0.5, random);
      for (double[] row : rows) {
        // As calibration gives them.
        Arrays.setAll(row, i -> (float) row[i]);
      }
      double[][] weights = Samples.normal(3, 150, random);
      double[][] fast = Samples.quantised(new Gptq(3, group, actOrder), weights, rows);
      double[][] slow = slow(weights, rows, 3, group, actOrder);
      for (int output = 0; output < weights.length; output++) {
        assertArrayEquals(slow[output], fast[output], 1e-6, "group " + group + ", output " + output);
      }
    }
  }

  private static double[][] slow(double[][] weights, double[][] rows, int bits, int group, boolean actOrder) {
    int width = weights[0].length;
    double[][] hessian = new double[width][width];
    for (double[] row : rows) {
      for (int i = 0; i < width; i++) {
        for (int j = 0; j < width; j++) {
          hessian[i][j] += 2 * row[i] * row[j];
        }
      }
    }
    double damping = 0.01 * IntStream.range(0, width).mapToDouble(i -> hessian[i][i]).average().orElseThrow();
    List<Integer> left = new ArrayList<>(IntStream.range(0, width).boxed().toList());
    if (actOrder) {
      left.sort(Comparator.comparingDouble(i -> -hessian[i][i]));
    }
    double[][] rest = Samples.copy(weights);
    double[][] rounded = new double[weights.length][width];
    Grid[] grids = new Grid[weights.length];
    for (int turn = 0; turn < width; turn++) {
      double[][] remaining = new double[left.size()][left.size()];
      for (int a = 0; a < left.size(); a++) {
        for (int b = 0; b < left.size(); b++) {
          remaining[a][b] = hessian[left.get(a)][left.get(b)] + (a == b ? damping : 0);
        }
      }
      double[][] inverse = new LUDecomposition(new Array2DRowRealMatrix(remaining)).getSolver()
          .getInverse()
          .getData();
      for (int output = 0; output < weights.length; output++) {
        double[] row = rest[output];
        if (turn % group == 0) {
          double[] members = left.stream().limit(group).mapToDouble(i -> row[i]).toArray();
          grids[output] = Grid.over(members, 0, members.length, bits);
        }
        int now = left.getFirst();
        rounded[output][now] = grids[output].round(row[now]);
        double error = (row[now] - rounded[output][now]) / inverse[0][0];
        for (int a = 0; a < left.size(); a++) {
          row[left.get(a)] -= error * inverse[0][a];
        }
      }
      left.removeFirst();
    }
    return rounded;
  }

  @Test
  void inputsThatAreNeverThereAreRoundedToNearest() {
    RandomGenerator random = random(1);
    double[][] weights = Samples.normal(6, 10, random);
    double[][] nearest = Samples.quantised(new RoundToNearest(4, 10), weights, new double[0][]);
    for (boolean actOrder : new boolean[]{false, true}) {
      Gptq gptq = new Gptq(4, 10, actOrder);
      assertArrayEquals(nearest, Samples.quantised(gptq, weights, new double[][]{new double[10]}));
      // Nothing to gain: each input is alone in its rows.
      double[][] rows = new double[10][10];
      IntStream.range(0, 10).forEach(i -> rows[i][i] = i);
      assertArrayEquals(nearest, Samples.quantised(gptq, weights, rows));
    }
  }

  @Test
  void countsCodesScalesZerosAndThePlacesOfGroups() {
    double[][] weights = Samples.normal(5, 20, random(3));
    double[][] rows = Samples.normal(30, 20, random(4));
    // Three groups of 8, 8 and 4: a scale of 16 bits and a code for zero each; two bits to number them.
    long plain = 5 * (20 * 3 + 3 * (16 + 3));
    assertEquals(plain, new Gptq(3, 8, false).quantise(Samples.copy(weights), Samples.inputs(rows)));
    assertEquals(plain + 20 * 2, new Gptq(3, 8, true).quantise(Samples.copy(weights), Samples.inputs(rows)));
    assertEquals(5 * (20 * 3 + 16 + 3),
        new Gptq(3, 20, true).quantise(Samples.copy(weights), Samples.inputs(rows)));
  }

  @Test
  void theFactorIsThatOfTheInverse() {
    double[][] rows = Samples.correlated(60, 17, 9, 0.5, random(5));
    double[][] hessian = Gram.of(17, Samples.inputs(rows));
    double[][] u = Gptq.inverseFactor(Samples.copy(hessian));
    double[][] transposed = new double[17][17];
    for (int i = 0; i < 17; i++) {
      for (int j = 0; j < 17; j++) {
        assertTrue(j >= i || u[i][j] == 0, "upper triangular");
        transposed[j][i] = u[i][j];
      }
    }
    double[][] identity = Samples.product(hessian, Samples.product(transposed, u));
    for (int i = 0; i < 17; i++) {
      for (int j = 0; j < 17; j++) {
        assertEquals(i == j ? 1 : 0, identity[i][j], 1e-8);
      }
    }
  }
}
