package org.knowcap.analysis.capacity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.testing.TestSeed;

class CapacityTest {
  /**
   * Names and values of bioS at the paper's pool sizes: 400 * 400 * 1000 and 2 * 12 * 28 * 200 * 200 * 300 *
   * 100 * 263.
   */
  private static final double N0 = 1.6e8;
  private static final double S0 = 2.0 * 12 * 28 * 200 * 200 * 300 * 100 * 263;

  /** P of gpt2-2-2 in the paper. */
  private static final long SMALLEST = 816_000;

  @ParameterizedTest
  @CsvSource({"10000, 0.6156", "50000, 2.9618", "100000, 5.8235", "200000, 11.4471", "500000, 27.9568",
      "1000000, 54.9136", "10000000, 515.916"})
  void perfectModelStoresThePublishedTotal(long people, double megabits) {
    Capacity perfect = capacity(people, Math.log(people), 0, SMALLEST);
    assertEquals(megabits, perfect.totalBits() / 1e6, 6e-5 * megabits);
    assertEquals(perfect.totalBits(), perfect.storedBits(), 1e-9 * perfect.totalBits());
    assertEquals(1, perfect.saturation(), 1e-12);
  }

  @Test
  void uniformModelStoresNothingAndAWorseOneLess() {
    Capacity uniform = capacity(50_000, Math.log(N0), Math.log(S0), SMALLEST);
    assertEquals(0, uniform.storedBits(), 1e-6);
    Capacity worse = capacity(50_000, Math.log(N0) + Math.log(2), Math.log(S0), SMALLEST);
    assertEquals(-50_000, worse.storedBits(), 1e-6);
    assertTrue(worse.capacityRatio() < 0 && worse.saturation() < 0);
  }

  @Test
  void maxRatioOfTheSmallestModelIsThePublishedOne() {
    assertEquals(0.754, capacity(10_000, 10, 1, SMALLEST).maxCapacityRatio(), 5e-4);
    assertEquals(1.484, capacity(20_000, 10, 1, SMALLEST).maxCapacityRatio(), 5e-4);
  }

  @Test
  void errorOfTheTotalKnowsThatPartsShareTheirPeople() {
    // Whoever is badly known by name is as well known by value, and the other way round: the sum is sure.
    double[] names = {1, 3, 2, 4};
    double[] values = {4, 2, 3, 1};
    double[] sums = {5, 5, 5, 5};
    Capacity capacity = Capacity.of(List.of(part("names", N0, 100, SampleSummary.of(names, 100)),
        part("values", S0, 100, SampleSummary.of(values, 100))), SampleSummary.of(sums, 100), SMALLEST);
    assertTrue(capacity.parts().getFirst().storedBitsStandardError() > 0);
    assertEquals(0, capacity.storedBitsStandardError());

    assertThrows(IllegalArgumentException.class,
        () -> Capacity.of(capacity.parts(), SampleSummary.of(new double[]{5, 5.1}, 100), SMALLEST),
        "the losses do not add up");
  }

  @Test
  void errorOfBitsFollowsFromTheErrorOfLosses() {
    // 100 bits a nat: count / ln 2.
    Knowledge part = new Knowledge("values", 100 * Math.log(2), 40, 40, 2, 0.5);
    assertEquals(50, part.storedBitsStandardError(), 1e-12);
  }

  @Test
  void standardErrorTellsHowFarSampleMeansAre() {
    long seed = TestSeed.value();
    Random random = new Random(seed);
    int population = 400;
    int size = 100;
    double[] people = random.doubles(population, 0, 5).toArray();
    double mean = Arrays.stream(people).average().orElseThrow();

    int trials = 4000;
    double squares = 0;
    double predicted = 0;
    for (int trial = 0; trial < trials; trial++) {
      shuffle(people, random);
      SampleSummary sample = SampleSummary.of(Arrays.copyOf(people, size), population);
      squares += Math.pow(sample.mean() - mean, 2);
      predicted += Math.pow(sample.standardError(), 2);
    }
    // The factor for a finite population is 0.75 here: without it this would be off by a third.
    assertEquals(1, predicted / squares, 0.12, "seed " + seed);
  }

  /** People whose loss differs from text to text, from nobody's much to somebody's a lot; some of them measured, or all. */
  @ParameterizedTest
  @ValueSource(ints = {60, 300, 400})
  void standardErrorCoversTheTextsToo(int size) {
    long seed = TestSeed.value();
    Random random = new Random(seed);
    int population = 400;
    double[] means = random.doubles(population, 0, 2).toArray();
    double[] spreads = random.doubles(population, 0, 3).toArray();
    Integer[] order = IntStream.range(0, population).boxed().toArray(Integer[]::new);
    double mean = Arrays.stream(means).average().orElseThrow();

    int trials = 3000;
    double squares = 0;
    double predicted = 0;
    for (int trial = 0; trial < trials; trial++) {
      Collections.shuffle(Arrays.asList(order), random);
      double[] values = Arrays.stream(order)
          .limit(size)
          .mapToDouble(person -> means[person] + spreads[person] * random.nextGaussian())
          .toArray();
      double[] again = Arrays.stream(order)
          .limit(50)
          .mapToDouble(person -> means[person] + spreads[person] * random.nextGaussian())
          .toArray();
      SampleSummary sample = SampleSummary.of(values, again, population);
      squares += Math.pow(sample.mean() - mean, 2);
      predicted += Math.pow(sample.standardError(), 2);
    }
    // Three thousand squares of variance 2 each: 0.026 is one standard deviation. Without texts, the prediction is 0 where all are measured.
    assertEquals(1, predicted / squares, 0.13, "seed " + seed);
  }

  @Test
  void everybodyMeasuredLeavesNoSamplingError() {
    assertEquals(new SampleSummary(3, 3, 2, 0), SampleSummary.of(new double[]{1, 2, 3}, 3));
    assertEquals(new SampleSummary(1, 1, 7, 0), SampleSummary.of(new double[]{7}, 1));
    // Half the squares of 0.2 and 0.4, their mean over 3 people.
    assertEquals(Math.sqrt((0.02 + 0.08) / 2 / 3),
        SampleSummary.of(new double[]{1, 2, 3}, new double[]{1.2, 1.6}, 3).standardError(), 1e-12);
    assertThrows(IllegalArgumentException.class,
        () -> SampleSummary.of(new double[]{1, 2}, new double[]{1, 2, 3}, 2));
    assertThrows(IllegalArgumentException.class, () -> SampleSummary.of(new double[]{7}, 2));
    assertThrows(IllegalArgumentException.class, () -> SampleSummary.of(new double[]{1, 2, 3}, 2));
    assertThrows(IllegalArgumentException.class, () -> SampleSummary.of(new double[]{1, Double.NaN}, 2));
  }

  private static Capacity capacity(long people, double nameLoss, double valueLoss, long parameters) {
    return new Capacity(List.of(new Knowledge("names", people, log2(N0), log2(N0 / people), nameLoss, 0.01),
        new Knowledge("values", people, log2(S0), log2(S0), valueLoss, 0.01)), 0, parameters);
  }

  private static Knowledge part(String name, double choices, long people, SampleSummary loss) {
    return new Knowledge(name, people, log2(choices), log2(choices), loss.mean(), loss.standardError());
  }

  private static void shuffle(double[] values, Random random) {
    for (int i = values.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      double value = values[i];
      values[i] = values[other];
      values[other] = value;
    }
  }

  private static double log2(double x) {
    return Math.log(x) / Math.log(2);
  }
}
