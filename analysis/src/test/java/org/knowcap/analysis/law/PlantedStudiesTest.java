package org.knowcap.analysis.law;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.testing.TestSeed;

/** Studies whose truth is known: the intervals hold it as often as they say, and verdicts are as rarely false. */
class PlantedStudiesTest {
  private static final int STUDIES = 2000;
  private static final int PER_PERSON = 50;
  /** Of the measured coverage over all studies: four standard errors. */
  private static final double SLACK = 4 * Math.sqrt(0.05 * 0.95 / STUDIES);

  private final RandomGenerator random = new SplittableRandom(TestSeed.value());

  /** R relative to the peak: corpora of a quarter, a half, one, two and four times what a model holds. */
  private static final double[] SHAPE = {0.5, 0.85, 1, 0.93, 0.8};

  /**
   * @param models their number
   * @param scatter of models about the law, natural logarithms
   * @param noise of seeds about their model
   */
  private List<RunResult> study(int models, int seeds, double rho, double gamma, double scatter, double noise,
      double[] truths) {
    List<RunResult> runs = new ArrayList<>();
    for (int m = 0; m < models; m++) {
      long parameters = 10_000L << m;
      double peak = rho * Math.pow(parameters, gamma) * Math.exp(scatter * random.nextGaussian());
      truths[m] = peak / parameters;
      // Seeds of some models scatter twice as much as those of others.
      double own = noise * (1 + m % 2);
      for (int c = 0; c < SHAPE.length; c++) {
        long people = Math.round(peak / PER_PERSON * (1L << c));
        for (int s = 0; s < seeds; s++) {
          double stored = peak * SHAPE[c] * (1 + own * random.nextGaussian());
          runs.add(Results.limited(Results.run(people, 1000, "gpt2-2-" + (m + 1), parameters, s, stored,
              2.0 * people * PER_PERSON), Limit.MODEL));
        }
      }
    }
    return runs;
  }

  private static boolean covers(Estimate estimate, double truth) {
    return estimate.low().getAsDouble() <= truth && truth <= estimate.high().getAsDouble();
  }

  private static void requireCoverage(String what, double covered) {
    String found = what + ": " + covered + " of the 95 % intervals hold the truth";
    assertTrue(covered > 0.92, found);
    assertTrue(covered < 0.98, found);
  }

  @ParameterizedTest
  @CsvSource({"4, 3, 0.05, 0.03", "4, 3, 0, 0.03", "5, 5, 0.05, 0.02", "6, 4, 0.1, 0.03"})
  void theCapacityLawIsCovered(int models, int seeds, double scatter, double noise) {
    double gamma = 0.9;
    double rho = 5;
    int peaks = 0;
    int fitted = 0;
    int exponents = 0;
    int levels = 0;
    int between = 0;
    for (int i = 0; i < STUDIES; i++) {
      double[] truths = new double[models];
      CapacityLaw law = CapacityLaw.of(Cells.of(study(models, seeds, rho, gamma, scatter, noise, truths)))
          .getFirst();
      for (int m = 0; m < models; m++) {
        peaks += covers(law.peaks().get(m).cell().ratio(), truths[m]) ? 1 : 0;
      }
      if (!law.hasInterval()) {
        continue;
      }
      fitted++;
      PowerLaw fit = law.law().orElseThrow();
      exponents += covers(fit.gamma(), gamma) ? 1 : 0;
      levels += covers(fit.atCentre(), rho * Math.pow(fit.centre(), gamma - 1)) ? 1 : 0;
      between += covers(fit.at(20_000), rho * Math.pow(20_000, gamma)) ? 1 : 0;
    }
    requireCoverage("R at the peak", (double) peaks / STUDIES / models);
    assertTrue(fitted > 0.9 * STUDIES, "a law in " + fitted + " of " + STUDIES);
    requireCoverage("gamma", (double) exponents / fitted);
    requireCoverage("R at the centre", (double) levels / fitted);
    requireCoverage("the law at 20k", (double) between / fitted);
  }

  /** The corpus at the peak has further seeds, as a study of one seed whose best cells were run again has. */
  @Test
  void peaksOfUnequalSeedsAreCovered() {
    int covered = 0;
    int atThePeak = 0;
    for (int i = 0; i < STUDIES; i++) {
      double[] truths = new double[3];
      List<RunResult> runs = study(3, 3, 2, 1, 0.05, 0.03, truths);
      runs.removeIf(run -> run.seeds().corpusSeed() > 0 && Math.abs(run.totalBits() / run.parameters()
          / truths[(int) Math.round(Math.log(run.parameters() / 10_000.0) / Math.log(2))] - 8) > 1);
      for (Peak peak : CapacityLaw.of(Cells.of(runs)).getFirst().peaks()) {
        double truth = truths[(int) Math.round(Math.log(peak.parameters() / 10_000) / Math.log(2))];
        atThePeak++;
        covered += covers(peak.cell().ratio(), truth) ? 1 : 0;
      }
    }
    requireCoverage("R at the peak of more seeds", (double) covered / atThePeak);
  }

  @Test
  void aTrueGammaOfOneIsRarelyContradicted() {
    int contradicted = 0;
    int tested = 0;
    for (int i = 0; i < STUDIES; i++) {
      CapacityLaw law = CapacityLaw.of(Cells.of(study(4, 3, 2, 1, 0.03, 0.03, new double[4]))).getFirst();
      OptionalDouble p = law.law().orElseThrow().pGammaIsOne();
      tested += p.isPresent() ? 1 : 0;
      contradicted += p.isPresent() && p.getAsDouble() < 0.05 ? 1 : 0;
    }
    assertTrue(tested > 0.9 * STUDIES, "tested in " + tested + " of " + STUDIES);
    assertTrue((double) contradicted / STUDIES < 0.05 + SLACK, contradicted + " of " + STUDIES);
  }

  /** Both arms of a study: a common effect of each seed, and noise of each run. */
  private List<RunResult> arm(String family, double shift, double[] seedEffects) {
    List<RunResult> runs = new ArrayList<>();
    for (int c = 0; c < 4; c++) {
      for (int s = 0; s < seedEffects.length; s++) {
        double ratio = 1.5 + shift + seedEffects[s] + 0.03 * random.nextGaussian();
        runs.add(Results.run(200L << c, 100, family + "-2-2", 1000, s, 1000 * ratio, 10_000L << c));
      }
    }
    return runs;
  }

  private ArmComparison comparison(double shift, int seeds, OptionalDouble margin) {
    double[] effects = new double[seeds];
    for (int s = 0; s < seeds; s++) {
      effects[s] = 0.1 * random.nextGaussian();
    }
    return ArmComparison.of(arm("llama", shift, effects), arm("gpt2", 0, effects), margin);
  }

  @Test
  void falseVerdictsOfAComparisonAreRare() {
    int different = 0;
    int equivalent = 0;
    int covered = 0;
    double margin = 0.1;
    for (int i = 0; i < STUDIES; i++) {
      ArmComparison none = comparison(0, 3, OptionalDouble.empty());
      different += none.differences()
          .stream()
          .anyMatch(each -> each.verdict() == ArmDifference.Verdict.MORE
              || each.verdict() == ArmDifference.Verdict.LESS) ? 1 : 0;
      ArmComparison atTheMargin = comparison(margin, 3, OptionalDouble.of(margin));
      equivalent += atTheMargin.differences()
          .stream()
          .anyMatch(each -> each.verdict() == ArmDifference.Verdict.EQUIVALENT) ? 1 : 0;
      covered += covers(atTheMargin.differences().getFirst().difference(), margin) ? 1 : 0;
    }
    assertTrue((double) different / STUDIES < 0.05 + SLACK, different + " false differences in " + STUDIES);
    assertTrue((double) equivalent / STUDIES < 0.05 + SLACK,
        equivalent + " false equivalences in " + STUDIES);
    requireCoverage("a difference", (double) covered / STUDIES);
  }

  /** Of one setting among four, by its verdict: by Holm's method, not by p alone. */
  @Test
  void theLeastDetectableDifferenceIsDetectedInFourOfFiveStudies() {
    int seeds = 5;
    // The true standard error of a mean of paired differences of runs whose noise is 0.03.
    double error = 0.03 * Math.sqrt(2.0 / seeds);
    double detectable = error * Power.effect(0.8, seeds - 1, 0.05 / 4);
    int shown = 0;
    double mean = 0;
    for (int i = 0; i < STUDIES; i++) {
      double[] effects = new double[seeds];
      for (int s = 0; s < seeds; s++) {
        effects[s] = 0.1 * random.nextGaussian();
      }
      List<RunResult> first = arm("llama", 0, effects).stream()
          .map(run -> run.people() > 200
              ? run
              : Results.run(200, 100, run.model(), 1000, run.seeds().corpusSeed(),
                  run.storedBits() + 1000 * detectable, 10_000))
          .toList();
      ArmDifference found = ArmComparison.of(first, arm("gpt2", 0, effects), OptionalDouble.empty())
          .differences()
          .getFirst();
      shown += found.verdict() == ArmDifference.Verdict.MORE ? 1 : 0;
      mean += Math.pow(found.leastDetectable().orElseThrow(), 2) / STUDIES;
    }
    double power = (double) shown / STUDIES;
    // Holm's later levels are a little wider than the first.
    assertTrue(power > 0.8 - 4 * Math.sqrt(0.8 * 0.2 / STUDIES) && power < 0.86,
        "a difference of the least detectable size has a verdict in " + power);
    assertTrue(Math.abs(Math.sqrt(mean) / detectable - 1) < 0.06,
        "found from data: " + Math.sqrt(mean) + ", true " + detectable);
  }
}
