package org.knowcap.models.quantisation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QuantiserTest {
  /** The levels that are published with QLoRA's code. */
  private static final double[] PUBLISHED = {-1.0, -0.6961928009986877, -0.5250730514526367,
      -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
      0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434,
      0.5626170039176941, 0.7229568362236023, 1.0};

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static final double[][] NO_ROWS = new double[0][];

  @Test
  void theLevelsOfNf4AreThePublishedOnes() {
    // Published as 32-bit numbers, from a normal distribution that was no more exact.
    assertArrayEquals(PUBLISHED, NormalFloat.levels(), 1e-6);
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 4, 3, 2})
  void nearestIsWithinHalfAStepAndOnTheGrid(int bits) {
    for (int seed = 0; seed < 20; seed++) {
      int group = 1 + seed;
      double[][] weights = Samples.normal(4, 23, random(seed));
      double[][] rounded = Samples.quantised(new RoundToNearest(bits, group), weights, NO_ROWS);
      for (int output = 0; output < 4; output++) {
        for (int from = 0; from < 23; from += group) {
          double[] members = Arrays.copyOfRange(weights[output], from, Math.min(23, from + group));
          double range = Math.max(0, Arrays.stream(members).max().orElseThrow())
              - Math.min(0, Arrays.stream(members).min().orElseThrow());
          // Half a step; the scale's own rounding to 11 bits may move the ends of the range by 2^-11 of it.
          double bound = range / ((1 << bits) - 1) / 2 + 2 * range * Math.pow(2, -11);
          for (int i = 0; i < members.length; i++) {
            assertEquals(members[i], rounded[output][from + i], bound, "seed " + seed);
          }
          assertTrue(values(rounded[output], from, from + members.length).size() <= 1 << bits);
        }
      }
      assertArrayEquals(rounded,
          Samples.quantised(new RoundToNearest(bits, group), weights, Samples.normal(3, 23, random(9))),
          "does not look at inputs");
    }
  }

  private static Set<Double> values(double[] row, int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> row[i]).collect(Collectors.toSet());
  }

  /** Each group of each output has no more values than codes, whatever the inputs. */
  @Test
  void codesAreEnough() {
    for (int seed = 0; seed < 20; seed++) {
      RandomGenerator random = random(seed);
      double[][] weights = Samples.normal(4, 24, random);
      double[][] rows = Samples.correlated(40, 24, 3, seed % 2 * 0.3, random);
      for (int bits : new int[]{8, 4, 3, 2}) {
        double[][] rounded = Samples.quantised(new Gptq(bits, 6, false), weights, rows);
        double[][] ordered = Samples.quantised(new Gptq(bits, 24, true), weights, rows);
        for (int output = 0; output < 4; output++) {
          for (int from = 0; from < 24; from += 6) {
            assertTrue(values(rounded[output], from, from + 6).size() <= 1 << bits);
          }
          assertTrue(values(ordered[output], 0, 24).size() <= 1 << bits);
        }
      }
    }
  }

  /** Blocks of 10 in rows of 7: most begin in one row and end in the next. */
  @Test
  void normalFloatsAreNearestLevelsOfTheirBlock() {
    double[][] weights = Samples.normal(9, 7, random(11));
    double[][] rounded = Samples.quantised(new NormalFloat(10), weights, NO_ROWS);
    double[] flat = Arrays.stream(weights).flatMapToDouble(Arrays::stream).toArray();
    double[] flatRounded = Arrays.stream(rounded).flatMapToDouble(Arrays::stream).toArray();
    for (int from = 0; from < flat.length; from += 10) {
      double[] block = Arrays.copyOfRange(flat, from, Math.min(flat.length, from + 10));
      double greatest = Arrays.stream(block).map(Math::abs).max().orElseThrow();
      for (int i = 0; i < block.length; i++) {
        double weight = block[i];
        double nearest = Arrays.stream(PUBLISHED)
            .map(level -> Math.abs(level * greatest - weight))
            .min()
            .orElseThrow();
        assertEquals(nearest, Math.abs(flatRounded[from + i] - weight), 1e-6 * greatest);
      }
    }
    assertEquals(63 * 4 + 7 * 32,
        new NormalFloat(10).quantise(Samples.copy(weights), Samples.inputs(NO_ROWS)));
  }

  @Test
  void outliersStayInSixteenBitsAndTheRestInEight() {
    double[][] weights = Samples.normal(5, 12, random(2));
    double[][] rows = Samples.normal(8, 12, random(6));
    rows[3][4] = -6;
    rows[5][4] = 0;
    rows[1][7] = 5.99;
    rows[7][9] = 40;
    double[][] rounded = Samples.copy(weights);
    long bits = new Int8WithOutliers().quantise(rounded, Samples.inputs(rows));
    assertEquals(5 * (10 * 8 + 2 * 16 + 16) + 12, bits);
    for (int output = 0; output < 5; output++) {
      double[] row = weights[output];
      double greatest = IntStream.range(0, 12)
          .filter(i -> i != 4 && i != 9)
          .mapToDouble(i -> Math.abs(row[i]))
          .max()
          .orElseThrow();
      for (int i = 0; i < 12; i++) {
        boolean outlier = i == 4 || i == 9;
        // 11 bits of mantissa; half a step, and the largest may lie beyond the rounded scale's end.
        double bound = outlier ? Math.abs(row[i]) * Math.pow(2, -11) : greatest * (0.5 / 127 + 1.0 / 2048);
        assertEquals(row[i], rounded[output][i], bound);
        assertTrue(
            !outlier || rounded[output][i] == Float.float16ToFloat(Float.floatToFloat16((float) row[i])));
      }
    }
  }

  @Test
  void zerosStayZerosAndHugeWeightsAreRefused() {
    double[][] rows = Samples.normal(3, 4, random(8));
    List<Quantiser> all = List.of(new RoundToNearest(2, 3), new Gptq(4, 4, true), new NormalFloat(5),
        new Int8WithOutliers());
    for (Quantiser quantiser : all) {
      assertArrayEquals(new double[2][4], Samples.quantised(quantiser, new double[2][4], rows));
    }
    double[][] huge = {{1, 2, 1e9, 0}};
    for (Quantiser quantiser : List.of(all.get(0), all.get(1), all.get(3))) {
      assertTrue(assertThrows(IllegalArgumentException.class, () -> Samples.quantised(quantiser, huge, rows))
          .getMessage()
          .contains("65504"));
    }
  }
}
