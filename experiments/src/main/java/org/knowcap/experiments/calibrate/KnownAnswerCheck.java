package org.knowcap.experiments.calibrate;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.knowcap.analysis.units.Units;

/**
 * Checks a study whose answer is known: a model that has more to learn than it can hold, and a model that can hold all.
 *
 * @param results of the study's runs
 */
record KnownAnswerCheck(Results results) implements Check {
  /**
   * One run differs from the mean by more of its standard deviations once in a thousand times: t = 5 / sqrt(1 + 1 / 10) with
   * nine degrees of freedom.
   */
  private static final double DEVIATIONS = 5;
  /** The same of the mean of several runs, in standard errors of the difference of two means: three times in a thousand. */
  private static final double ERRORS = 4;

  /**
   * R of several seeds (docs/log.md), in bits per parameter.
   *
   * @param people of the runs
   * @param mean over the seeds
   * @param deviation standard deviation over the seeds, with Bessel's correction
   * @param seeds how many
   */
  record Known(long people, double mean, double deviation, int seeds) {}

  static final List<Known> KNOWN = List.of(new Known(80, 0.3820, 0.0065, 10),
      new Known(600, 1.117, 0.030, 10));

  /**
   * The result of a run.
   *
   * @param what corpus, model and seed
   * @param people N
   * @param ratio R, bits per parameter
   * @param error standard error of R
   * @param most R^max
   */
  record Answer(String what, long people, double ratio, double error, double most) {}

  /** The results of the study. */
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
    List<Answer> answers = results.get();
    List<Finding> findings = new ArrayList<>();
    for (Answer answer : answers) {
      findings.add(
          finding(answer.what, answer.ratio, Units.ratio(answer.ratio, answer.error), answer, DEVIATIONS));
    }
    for (Known known : KNOWN) {
      List<Answer> runs = answers.stream().filter(answer -> answer.people == known.people).toList();
      if (runs.size() > 1) {
        double mean = runs.stream().mapToDouble(Answer::ratio).average().orElseThrow();
        findings.add(finding(known.people + " people, mean of " + runs.size() + " seeds", mean,
            Units.ratio(mean), runs.getFirst(), ERRORS * Math.sqrt(1.0 / known.seeds + 1.0 / runs.size())));
      }
    }
    return findings;
  }

  /**
   * @param found R in words
   * @param of a run that it is of
   * @param width of the interval to either side, in standard deviations of a run
   */
  private Finding finding(String what, double ratio, String found, Answer of, double width) {
    Known known = KNOWN.stream().filter(each -> each.people == of.people).findFirst().orElseThrow();
    double low = known.mean - width * known.deviation;
    double high = Math.min(of.most, known.mean + width * known.deviation);
    return Finding.of(name(), what, "R " + found + " of R^max " + Units.ratio(of.most),
        Units.ratio(low) + " to " + Units.ratio(high), ratio >= low && ratio <= high);
  }
}
