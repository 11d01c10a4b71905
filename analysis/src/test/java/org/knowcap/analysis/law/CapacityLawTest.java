package org.knowcap.analysis.law;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.commons.math3.stat.regression.SimpleRegression;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.Seeds;

class CapacityLawTest {
  private static RunResult run(int layers, long people, long seed, double ratio) {
    long parameters = 1000L * layers;
    return Results.run(people, 1000, "gpt2-" + layers + "-2", parameters, seed, ratio * parameters,
        50.0 * people);
  }

  /** Two seeds of three corpora, limited by the model: a peak of this mean in the middle. */
  private static List<RunResult> capacity(int layers, double ratio) {
    List<RunResult> runs = new ArrayList<>();
    for (long seed = 0; seed <= 1; seed++) {
      double noise = 0.02 * seed - 0.01;
      runs.add(Results.limited(run(layers, 500, seed, ratio / 2 + noise), Limit.MODEL));
      runs.add(Results.limited(run(layers, 1000, seed, ratio + noise), Limit.MODEL));
      runs.add(Results.limited(run(layers, 2000, seed, ratio / 2 + noise), Limit.MODEL));
    }
    return runs;
  }

  private static CapacityLaw law(List<RunResult> runs) {
    return CapacityLaw.of(Cells.of(runs)).getFirst();
  }

  @Test
  void thePeakIsTheGreatestMeanThatTheCorpusDoesNotLimit() {
    List<RunResult> runs = new ArrayList<>();
    for (long seed = 1; seed <= 3; seed++) {
      double noise = 0.01 * seed;
      runs.add(run(1, 36, seed, 1.8)); // 1800 of 1800 bits: the corpus
      runs.add(run(1, 80, seed, 1.5 + noise));
      runs.add(run(1, 160, seed, 1.9 + noise));
      runs.add(run(1, 320, seed, 1.7 + noise));
    }
    CapacityLaw law = law(runs);
    Peak peak = law.peaks().getFirst();
    assertEquals(160, peak.cell().people());
    assertEquals(1.92, peak.cell().ratio().value(), 1e-12);
    assertTrue(peak.bracketed());
    // Student's t with two degrees of freedom; the standard deviation is 0.01.
    assertEquals(4.302653 * 0.01 / Math.sqrt(3), peak.cell().ratio().halfWidth().orElseThrow(), 1e-6);
    assertEquals(List.of("gpt2-1-2 on bioS(36) after 1000 exposures"),
        law.checklist().leftOut().get("full: over 98 % of the corpus are stored"));
    assertTrue(law.summary().getFirst().endsWith("add 3 of the 4 sizes of model that a law needs."),
        law.summary().toString());
  }

  @Test
  void onePartOfACellThatTheCorpusLimitsLeavesItOut() {
    // Without the run that is full, the mean of the others would be of those that did worse.
    CapacityLaw law = law(
        List.of(run(1, 40, 1, 1.97), run(1, 40, 2, 1.9), run(1, 200, 1, 1.5), run(1, 200, 2, 1.6)));
    assertEquals(200, law.peaks().getFirst().cell().people());
  }

  @Test
  void theLawIsTheRegressionOfLogarithms() {
    double[] ratios = {1.5, 1.9, 1.7, 2.1};
    List<RunResult> runs = new ArrayList<>();
    SimpleRegression line = new SimpleRegression();
    for (int m = 0; m < ratios.length; m++) {
      long parameters = 1000L * (m + 1);
      runs.addAll(capacity(m + 1, ratios[m]));
      line.addData(Math.log(parameters), Math.log(ratios[m] * parameters));
    }
    PowerLaw fit = law(runs).law().orElseThrow();
    assertEquals(line.getSlope(), fit.gamma().value(), 1e-12);
    assertEquals(line.getSlopeConfidenceInterval(0.05), fit.gamma().halfWidth().orElseThrow(), 1e-9);
    assertEquals(Math.exp(line.getIntercept()), fit.rho().value(), 1e-9);
    assertEquals(line.predict(Math.log(3333)), Math.log(fit.at(3333).value()), 1e-9);
    double error = line.getInterceptStdErr() * 4.302653;
    assertEquals(Math.exp(line.getIntercept() - error), fit.rho().low().getAsDouble(),
        1e-4 * fit.rho().low().getAsDouble());
  }

  @Test
  void aStudyWithoutCapacitySaysSoFirstAndProposesACorpus() {
    CapacityLaw full = law(List.of(run(2, 20, 1, 0.5), run(4, 20, 1, 0.25)));
    assertTrue(full.peaks().isEmpty());
    // Two bits for each of 2,000 and 4,000 parameters, twice, over 50 bits a person.
    assertEquals(
        "No cell is known to be limited by its model (2 limited by the corpus), so that nothing here is a capacity, and no"
            + " law is fitted. To measure one: train on N = 160 for gpt2-2-2, 320 for gpt2-4-2; measure each peak and the"
            + " corpora beside it with 3 seeds; add 2 of the 4 sizes of model that a law needs.",
        full.summary().getFirst());
    // Of a model that was still learning, more exposures come first: a larger N alone would show how fast it learns.
    RunResult learning = Results.limited(run(2, 400, 1, 0.5), Limit.LEARNING);
    String first = law(List.of(learning)).summary().getFirst();
    assertTrue(first.contains("(1 still learning)"), first);
    assertTrue(first.contains("give gpt2-2-2, still learning at its peak, more exposures than 1,000;"),
        first);
    assertFalse(first.contains("train on N"), first);
    RunResult short100 = Results.limited(Results.run(400, 100, "gpt2-2-2", 2000, 1, 1000, 20_000),
        Limit.LEARNING);
    assertTrue(law(List.of(short100)).summary()
        .getFirst()
        .contains("more exposures than 100, such as the paper's 1,000"));
    assertTrue(law(List.of(learning)).checklist()
        .warnings()
        .getFirst()
        .startsWith("1 of 1 peaks are of models that were"));
    RunResult limited = Results.limited(run(2, 800, 1, 0.6), Limit.MODEL);
    assertTrue(law(List.of(learning, limited)).summary().getFirst().startsWith("R is "));
    // A cell that its model limits is no capacity where another stores more and was still learning.
    RunResult less = Results.limited(run(2, 800, 1, 0.4), Limit.MODEL);
    assertTrue(law(List.of(learning, less)).summary()
        .getFirst()
        .startsWith(
            "No peak is at a cell that is known to be limited by its model (1 still learning, 1 limited by the"),
        law(List.of(learning, less)).summary().toString());
  }

  @Test
  void onlyCapacitiesMakeTheLaw() {
    List<RunResult> runs = new ArrayList<>();
    for (int m = 1; m <= 4; m++) {
      runs.addAll(capacity(m, 1.5 + 0.01 * m * m));
    }
    runs.add(run(5, 1000, 1, 0.7));
    CapacityLaw law = law(runs);
    assertTrue(law.hasInterval());
    assertEquals(4, law.checklist().pointsUsed());
    assertEquals(1,
        law.checklist()
            .leftOut()
            .get("peak not bracketed, not known to be limited by its model, or without an interval")
            .size());
    assertTrue(law.summary().getFirst().startsWith("Stored bits at the peak grow as P^gamma with gamma = "));
    // Three models have one degree of freedom, whose quantile of Student's t is 12.7.
    assertNone("1 is not bracketed, 1 is not known",
        runs.stream().filter(run -> !run.model().equals("gpt2-3-2")));
    assertNone("4 here 1 is not bracketed.*train on N = 2,000 for gpt2-2-2", runs.stream()
        .filter(run -> run.parameters() < 5000 && !(run.people() == 2000 && run.parameters() == 2000)));
    assertNone("4 here 1 is without an interval over seeds.*with 3 seeds", runs.stream()
        .filter(run -> run.parameters() < 4000 || run.seeds().corpusSeed() == 0 && run.parameters() == 4000));
    assertNone("4 here 1 is not known to be limited by the model.*give gpt2-1-2, still learning at its peak",
        runs.stream()
            .filter(run -> run.parameters() < 5000)
            .map(run -> run.parameters() == 1000 ? Results.limited(run, Limit.LEARNING) : run));
    assertNone("; of the 3 here all are. To fit one: add 1 of the 4 sizes",
        runs.stream().filter(run -> run.parameters() < 4000));
  }

  /** No interval, no verdict and no headline; but a sentence that says why. */
  private static void assertNone(String why, Stream<RunResult> runs) {
    CapacityLaw law = law(runs.toList());
    assertFalse(law.hasInterval());
    assertTrue(
        law.law().stream().allMatch(fit -> fit.pGammaIsOne().isEmpty() && !fit.atCentre().hasInterval()));
    String first = law.summary().getFirst();
    assertTrue(Pattern.compile("^No law is fitted. It needs .*" + why).matcher(first).find(), first);
    assertTrue(law.summary().stream().noneMatch(each -> each.contains("P^gamma")), law.summary().toString());
  }

  /** N = 80 would be "bracketed", though each corpus is nearly stored whole and R rises with N. */
  @Test
  void aCorpusThatIsNearlyStoredWholeIsNeitherPeakNorBracket() {
    CapacityLaw full = law(List.of(run(20, 400, 1, 0.9), run(20, 800, 1, 0.97 * 2),
        run(20, 1600, 1, 0.985 * 4), run(20, 3200, 1, 0.99 * 8)));
    assertTrue(full.peaks().isEmpty());
    assertTrue(full.summary().getFirst().contains("train on N = 6,400 for gpt2-20-2"),
        full.summary().toString());
    assertEquals(1,
        full.checklist().leftOut().get("in the grey zone: 90 to 98 % of the corpus are stored").size());
    // The largest corpus limits no more, but the model held more of a smaller one.
    Peak less = law(List.of(run(1, 20, 1, 0.8), run(1, 40, 1, 1.9), run(1, 80, 1, 1.8), run(1, 160, 1, 1.7)))
        .peaks()
        .getFirst();
    assertEquals(80, less.cell().people());
    assertFalse(less.bracketed());
    assertEquals("R is greater at N = 40, which is nearly stored whole: R may be greater between",
        less.bracket());
  }

  /** One corpus size at a time shows the corpus, not the model, and its exponent contradicts nothing. */
  @Test
  void aVerdictOnGammaNeedsPeaksThatTheModelLimits() {
    List<RunResult> all = new ArrayList<>();
    PublishedCapacity.read().points().stream().filter(point -> point.exposures() == 1000).forEach(point -> {
      double bits = (Math.log(160e6 / point.people()) / Math.log(2) + 47.592) * point.people();
      if (point.storedBits() <= 0.98 * bits) {
        all.add(Results.limited(Results.run(point.people(), 1000, "gpt2-" + point.model(), point.parameters(),
            1, point.storedBits(), bits), Limit.MODEL));
      }
    });
    for (long people : all.stream().mapToLong(RunResult::people).distinct().toArray()) {
      CapacityLaw one = law(all.stream().filter(run -> run.people() == people).toList());
      assertFalse(one.hasInterval(), one.summary().toString());
      assertTrue(one.summary().getFirst().contains("o law is fitted"), one.summary().toString());
      assertTrue(one.summary().stream().noneMatch(each -> each.contains("contradicted")),
          one.summary().toString());
    }
    CapacityLaw together = law(all);
    assertFalse(together.hasInterval());
    assertEquals(1, together.law().orElseThrow().gamma().value(), 0.1, together.summary().toString());
  }

  /** What the quickstart measured: one seed, no larger corpus, and too few exposures. */
  @Test
  void theQuickstartHasNoLaw() throws Exception {
    List<RunResult> quickstart = ResultsTable
        .readCsv(Path.of("").toAbsolutePath().resolveSibling("results/quickstart/results.csv"))
        .results();
    CapacityLaws laws = CapacityLaws.of(quickstart);
    assertEquals(2, laws.all().size());
    assertTrue(laws.withInterval().isEmpty());
    String shortfall = laws.shortfall().orElseThrow();
    assertTrue(shortfall
        .startsWith("No peak is at a cell that is known to be limited by its model (18 still learning,"
            + " 2 limited by the model, none of them a peak, 4 undecided)"),
        shortfall);
    assertTrue(shortfall.contains("more exposures than 200, such as the paper's 1,000"), shortfall);
    // As a table of an earlier version, which does not tell what limited a run.
    String undecided = CapacityLaws
        .of(quickstart.stream().map(run -> Results.limited(run, Limit.UNDECIDED)).toList())
        .shortfall()
        .orElseThrow();
    assertTrue(undecided.startsWith("No cell is known to be limited by its model ("), undecided);
  }

  /** The larger corpus has one seed, and on that seed it stores more: the peak may lie there, but its R is not known. */
  @Test
  void peaksAreComparedOnEqualSeeds() {
    List<RunResult> runs = new ArrayList<>(List.of(run(1, 500, 1, 1.2), run(1, 1000, 1, 1.334),
        run(1, 1000, 2, 1.29), run(1, 1000, 3, 1.297), run(1, 2000, 1, 1.337)));
    Peak peak = law(runs).peaks().getFirst();
    assertEquals(1000, peak.cell().people());
    assertFalse(peak.bracketed());
    assertEquals("R is greater at N = 2,000 on the seeds of both: more seeds are needed there",
        peak.bracket());
    runs.add(run(1, 2000, 2, 1.3));
    runs.add(run(1, 500, 2, 1.1));
    runs.add(run(1, 4000, 1, 1.1));
    runs.add(run(1, 4000, 2, 1.1));
    peak = law(runs).peaks().getFirst();
    assertEquals(2000, peak.cell().people());
    assertEquals("bracketed, not resolved from the corpora beside it", peak.bracket());
  }

  /** The vocabulary of a corpus that a language model wrote depends on N and seed: P of one model varies a little. */
  @Test
  void oneModelMayHaveSlightlyDifferentParameters() {
    List<RunResult> runs = List.of(Results.run(200, 1000, "gpt2-1-2", 1000, 1, 1200, 10_000),
        Results.run(400, 1000, "gpt2-1-2", 1010, 1, 1600, 20_000),
        Results.run(400, 1000, "gpt2-1-2", 1012, 2, 1500, 20_000),
        Results.run(800, 1000, "gpt2-1-2", 1020, 1, 1400, 40_000));
    CapacityLaw law = law(runs);
    assertEquals(1, law.peaks().size());
    assertEquals(2, law.peaks().getFirst().cell().runs().size());
    assertTrue(law.peaks().getFirst().bracketed());
    assertEquals((1000 + 1011 + 1020) / 3.0, law.peaks().getFirst().parameters(), 1e-9);
  }

  @Test
  void runsOfDifferentTrainingsAreNotJoined() {
    RunResult run = run(1, 200, 1, 1.5);
    assertMessage("tokens for an exposure of a person: other texts were mixed in",
        List.of(run, Results.withTokens(run(1, 400, 1, 1.5), 15_000_000, 12_000)));
    assertMessage("tokens a step: the batches differ",
        List.of(run, Results.withTokens(run(1, 200, 2, 1.5), run.tokens(), 6_000)));
    assertMessage("bits of the corpus",
        List.of(run, Results.run(200, 1000, "gpt2-1-2", 1000, 2, 1500, 10_500)));
    assertMessage("bits a person, apart from the logarithm of N",
        List.of(run, Results.run(400, 1000, "gpt2-1-2", 1000, 2, 1500, 40_000)));
  }

  @Test
  void whatTheSeedsDoNotVaryIsSaid() {
    List<RunResult> runs = new ArrayList<>();
    for (long weights = 1; weights <= 3; weights++) {
      runs.add(Results.run("gpt2-2-2", new Seeds(1, weights, 1), 1500 + 10 * weights));
    }
    assertTrue(Cells.of(runs).warnings().getFirst().contains("vary the seeds of weights alone"));
  }

  @Test
  void withoutVarianceThereIsNoVerdict() {
    Estimate still = new Cell(List.of(run(1, 100, 1, 1.5), run(1, 100, 2, 1.5)), List.of()).ratio();
    assertFalse(still.hasInterval());
    assertEquals("no interval: no variance over 2 seeds, so no verdict", still.method());
    assertFalse(new Cell(List.of(run(1, 100, 1, 1.5)), List.of()).ratio().hasInterval());
    PowerLaw fit = law(Stream.of(1, 2, 3, 4).flatMap(m -> capacity(m, 1.5).stream()).toList()).law()
        .orElseThrow();
    assertEquals(1, fit.gamma().value(), 1e-9);
    assertFalse(fit.gamma().hasInterval());
    assertTrue(fit.pGammaIsOne().isEmpty());
  }

  @Test
  void theRateOfMostSeedsIsKept() {
    List<RunResult> runs = new ArrayList<>();
    for (long seed = 1; seed <= 3; seed++) {
      runs.add(Results.withRate(run(1, 200, seed, 1.5 + 0.01 * seed), 0.003));
      runs.add(Results.withRate(run(1, 200, seed, 1.2 + 0.01 * seed), 0.001));
    }
    runs.add(Results.withRate(run(1, 200, 9, 1.9), 0.01));
    Cells cells = Cells.of(runs);
    assertEquals(1, cells.cells().size());
    assertEquals(0.003, cells.cells().getFirst().learningRate());
    assertEquals(4, cells.leftOut().get("another learning rate has more seeds or stores more").size());
    assertTrue(cells.warnings().getFirst().startsWith("Some cells are the best of several learning rates"));
  }

  @Test
  void whatAStudyListsBesideTheRateIsNotJoined() {
    List<RunResult> runs = List.of(Results.withSetting(run(1, 200, 1, 1.5), "lr0.003_weight-decay-0.1"),
        Results.withSetting(Results.withRate(run(1, 200, 1, 1.6), 0.01), "lr0.01_weight-decay-0.1"),
        Results.withSetting(run(1, 200, 1, 1.2), "lr0.003_weight-decay-0"));
    List<CapacityLaw> laws = CapacityLaw.of(Cells.of(runs));
    assertEquals(List.of("weight-decay-0.1", "weight-decay-0"),
        laws.stream().map(CapacityLaw::variant).toList());
    assertEquals(1.6, laws.getFirst().peaks().getFirst().cell().ratio().value(), 1e-12);
  }

  @Test
  void whatCannotBeJoinedIsRefused() {
    assertMessage("there are no finished runs", List.of());
    assertMessage("have the same setting and the same seed 1, but store",
        List.of(run(1, 200, 1, 1.5), run(1, 200, 1, 1.6)));
    assertEquals(1,
        Cells.of(List.of(run(1, 200, 1, 1.5), run(1, 200, 1, 1.5))).cells().getFirst().runs().size());
    RunResult other = Results.run(200, 1000, "gpt2-1-2", 1100, 2, 1500, 10_000);
    assertMessage("gpt2-1-2 has 1,000 parameters in run gpt2-1-2-n200-e1000-s1 and 1,100",
        List.of(run(1, 200, 1, 1.5), other));
    assertEquals("a power law needs finite numbers above 0, found x = 1.0, y = NaN",
        assertThrows(LawException.class, () -> new PowerLaw.Point(1, Double.NaN)).getMessage());
  }

  @Test
  void bitsBelowZeroAreNoPeak() {
    CapacityLaw law = law(List.of(run(1, 200, 1, -0.5), run(1, 400, 1, -0.2)));
    assertTrue(law.peaks().isEmpty());
    assertEquals(2, law.checklist().leftOut().get("no bits are stored").size());
  }

  private static void assertMessage(String part, List<RunResult> runs) {
    String message = assertThrows(LawException.class, () -> Cells.of(runs)).getMessage();
    assertTrue(message.contains(part), message);
  }
}
