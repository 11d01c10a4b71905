package org.knowcap.analysis.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;

class SeedMeansTest {
  @Test
  void meansAreOverSeedsAlone() {
    List<SeedMeans> means = SeedMeans.of(List.of(Results.run(200, 400, 1000, 1, 1000, 4000),
        Results.run(200, 100, 1000, 1, 300, 4000), Results.run(200, 400, 1000, 2, 1600, 4000),
        Results.run(200, 400, 1000, 3, 1300, 4000), Results.run(200, 400, 2000, 1, 1000, 4000)));
    assertEquals(List.of(3, 1, 1), means.stream().map(SeedMeans::seeds).toList());
    SeedMeans three = means.getFirst();
    assertEquals(1300, three.storedBits(), 1e-9);
    assertEquals(1.3, three.capacityRatio(), 1e-12);
    // Deviations of -0.3, 0.3 and 0 from the mean: sqrt((0.09 + 0.09) / 2).
    assertEquals(0.3, three.capacityRatioDeviation().orElseThrow(), 1e-12);
    assertEquals(List.of(1.0, 1.6), List.of(three.leastCapacityRatio(), three.greatestCapacityRatio()));
    assertEquals(0.325, three.saturation(), 1e-12);
    assertTrue(means.getLast().capacityRatioDeviation().isEmpty());
  }

  /** Student's t has the quantile 4.302653 at 2 degrees of freedom (Abramowitz and Stegun, table 26.10). */
  @Test
  void anIntervalIsGivenWhereRunsAreIndependent() {
    SeedMeans three = means(Seeds.all(1), Seeds.all(2), Seeds.all(3));
    assertEquals("corpus, weights and order", three.varied());
    assertEquals(4.302653 * 0.3 / Math.sqrt(3), three.capacityRatioInterval().orElseThrow(), 1e-6);

    SeedMeans weights = means(new Seeds(1, 1, 1), new Seeds(1, 2, 1), new Seeds(1, 3, 1));
    assertEquals("weights", weights.varied());
    assertEquals(three.capacityRatioInterval(), weights.capacityRatioInterval());

    SeedMeans shared = means(new Seeds(1, 1, 1), new Seeds(1, 2, 2), new Seeds(2, 3, 3));
    assertEquals("corpus, weights and order", shared.varied());
    assertEquals(OptionalDouble.empty(), shared.capacityRatioInterval());

    SeedMeans one = SeedMeans.of(List.of(Results.run(200, 400, 1000, 1, 1000, 4000))).getFirst();
    assertEquals("none", one.varied());
    assertEquals(OptionalDouble.empty(), one.capacityRatioInterval());
    assertTrue(SeedMeans.table(List.of(three, one)).column("capacity_ratio_interval").isMissing(1));
  }

  private static SeedMeans means(Seeds... seeds) {
    double[] stored = {1000, 1600, 1300};
    return SeedMeans.of(IntStream.range(0, seeds.length)
        .mapToObj(i -> Results.run("r" + i, 200, 400, 1000, seeds[i], stored[i], 4000))
        .toList()).getFirst();
  }

  /** Equal exposures by tokens in windows that cut texts and in windows that do not are two treatments. */
  @Test
  void runsOfDifferentWindowsAreApart() {
    List<SeedMeans> means = SeedMeans.of(
        List.of(Results.withCounts(Results.run("cut", 200, 1000, 1000, Seeds.all(1), 1000, 4000), 865, 10),
            Results.withCounts(Results.run("whole", 200, 1000, 1000, Seeds.all(2), 1600, 4000), 1000, 10),
            Results.withCounts(Results.run("cut too", 200, 1000, 1000, Seeds.all(3), 1200, 4000), 865, 10)));
    assertEquals(List.of(OptionalDouble.of(865), OptionalDouble.of(1000)),
        means.stream().map(SeedMeans::completeExposures).toList());
    assertEquals(List.of(2, 1), means.stream().map(SeedMeans::seeds).toList());
  }

  @Test
  void runsThatAreNotToldApartAreNotMixed() {
    String message = assertThrows(IllegalArgumentException.class,
        () -> SeedMeans.of(List.of(Results.run("a", 200, 400, 1000, 7, 1000, 4000),
            Results.run("b", 200, 400, 1000, 7, 1100, 4000))))
        .getMessage();
    assertTrue(message.contains("runs a and b have the same seeds, seed 7"), message);
  }
}
