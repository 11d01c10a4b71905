package org.knowcap.analysis.law;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.results.RunResult;

class ExposureLawTest {
  /** Half of the greatest R lies between 100 and 400 exposures, on a log axis at the part (1 - a) / (2 - a). */
  private static List<RunResult> seed(long seed, double first) {
    List<RunResult> runs = new ArrayList<>();
    double[] ratios = {first, 2, 3, 2};
    long[] exposures = {100, 400, 1600, 6400};
    for (int i = 0; i < ratios.length; i++) {
      runs.add(Results.run(1000, exposures[i], 1000, seed, 1000 * ratios[i], 50_000));
    }
    return runs;
  }

  @Test
  void halfOfTheGreatestIsFoundBetweenMeasuredExposures() {
    ExposureLaw one = ExposureLaw.of(Cells.of(seed(1, 1))).getFirst();
    assertEquals(200, one.timeToLearn().orElseThrow().value(), 1e-9);
    assertFalse(one.timeToLearn().orElseThrow().hasInterval());
    assertFalse(one.rising());
    List<RunResult> runs = new ArrayList<>(seed(1, 0.9));
    runs.addAll(seed(2, 1));
    runs.addAll(seed(3, 1.1));
    Estimate time = ExposureLaw.of(Cells.of(runs)).getFirst().timeToLearn().orElseThrow();
    // By hand: logs of 100 * 4^(0.6/1.1), 100 * 4^0.5 and 100 * 4^(0.4/0.9), and Student's t over them.
    double[] logs = {0.6 / 1.1, 0.5, 0.4 / 0.9};
    double mean = (logs[0] + logs[1] + logs[2]) / 3;
    double deviation = Math
        .sqrt((Math.pow(logs[0] - mean, 2) + Math.pow(logs[1] - mean, 2) + Math.pow(logs[2] - mean, 2)) / 2);
    double half = 4.302653 * deviation / Math.sqrt(3);
    assertEquals(100 * Math.pow(4, mean - half), time.low().getAsDouble(), 1e-3);
    assertEquals(100 * Math.pow(4, mean + half), time.high().getAsDouble(), 1e-3);
  }

  @Test
  void whatWasLearntBeforeTheFirstMeasurementIsSaid() {
    ExposureLaw law = ExposureLaw.of(Cells.of(seed(1, 1.9))).getFirst();
    assertTrue(law.timeToLearn().isEmpty());
    assertEquals("Half of the greatest R is reached by 100 exposures, the fewest that were measured.",
        law.summary().get(1));
  }

  private static ExposureLaw law(long total, double... ratios) {
    List<RunResult> runs = new ArrayList<>();
    for (int i = 0; i < ratios.length; i++) {
      runs.add(Results.run(1000, 100L << i, 1000, 1, 1000 * ratios[i], total));
    }
    return ExposureLaw.of(Cells.of(runs)).getFirst();
  }

  @Test
  void halfAtTheFewestExposuresIsReachedByThem() {
    assertTrue(law(50_000, 1, 1, 2).timeToLearn().isEmpty());
    assertTrue(law(50_000, 1, 0.9, 2).timeToLearn().isEmpty());
    assertEquals(Math.sqrt(2) * 100, law(50_000, 0.5, 1.5, 2).timeToLearn().orElseThrow().value(), 1e-9);
  }

  @Test
  void whatFillsTheCorpusRisesNoMore() {
    assertFalse(law(2000, 0.5, 1.5, 2).rising());
    assertTrue(law(50_000, 0.5, 1.5, 2).rising());
  }

  @Test
  void whyThereIsNoIntervalIsSaid() {
    List<RunResult> runs = new ArrayList<>(seed(1, 1));
    runs.addAll(seed(2, 1.6));
    assertEquals(
        "no interval: 1 of 2 seeds reach half of their greatest R by the fewest exposures, so that their time is not known",
        ExposureLaw.of(Cells.of(runs)).getFirst().timeToLearn().orElseThrow().method());
  }

  @Test
  void oneNumberOfExposuresIsRefused() {
    String message = assertThrows(LawException.class,
        () -> ExposureLaw.of(Cells.of(List.of(Results.run(10, 100, 1000, 1, 300, 400))))).getMessage();
    assertTrue(message.contains("found [100]"), message);
  }
}
