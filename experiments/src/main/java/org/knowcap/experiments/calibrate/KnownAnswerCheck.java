package org.knowcap.experiments.calibrate;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.knowcap.analysis.units.Units;

/**
 * A study whose answer is known: models that have more to learn than they can hold, and models that can hold all.
 *
 * @param results of the study's runs
 */
record KnownAnswerCheck(Results results) implements Check {
  /**
   * R of each run, by its people: the mean of three seeds (docs/log.md) and 5 standard deviations, and no more than R^max.
   *
   * @param low least R, bits per parameter
   * @param high greatest
   */
  record Interval(long people, double low, double high) {}

  static final List<Interval> KNOWN = List.of(new Interval(60, 0.301, 0.326), new Interval(600, 1.34, 1.68));

  /**
   * What came of a run.
   *
   * @param what corpus and model
   * @param people N
   * @param ratio R, bits per parameter
   * @param error standard error of R
   * @param most R^max
   */
  record Answer(String what, long people, double ratio, double error, double most) {}

  /** What came of the study. */
  interface Results {
    List<Answer> get() throws IOException, InterruptedException;
  }

  @Override
  public String name() {
    return "known";
  }

  @Override
  public String about() {
    return "a study of known answer, in 1000 exposures, lands in its interval";
  }

  @Override
  public List<Finding> findings() throws IOException, InterruptedException {
    List<Finding> findings = new ArrayList<>();
    for (Answer answer : results.get()) {
      Interval known = KNOWN.stream().filter(each -> each.people == answer.people).findFirst().orElseThrow();
      findings.add(Finding.of(name(), answer.what,
          "R " + Units.ratio(answer.ratio, answer.error) + " of R^max " + Units.ratio(answer.most),
          Units.ratio(known.low) + " to " + Units.ratio(known.high),
          answer.ratio >= known.low && answer.ratio <= known.high));
    }
    return findings;
  }
}
