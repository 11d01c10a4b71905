package org.knowcap.experiments.capacity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.random.RandomGenerator;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.experiments.capacity.CapacitySearch.Measured;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.bits.Logarithms;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.testing.TestSeed;

/** The search finds a planted peak, whatever it is, and the corpora suit the models. */
class CapacitySearchTest {
  private static final List<Long> PEOPLE = IntStream.range(0, 11)
      .mapToObj(size -> Math.round(100 * Math.pow(2, size / 2.0)))
      .toList();

  private static final List<CapacityFinding.TriedRate> RATES = List
      .of(new CapacityFinding.TriedRate(0.003, OptionalDouble.of(2)));

  /** R = 2 at a size and a learning rate, less elsewhere. */
  private static ToDoubleFunction<Cell> planted(double size, double rate) {
    return cell -> 2 - Math.pow(2 * Logarithms.log2(cell.people() / 100.0) - size, 2) / 50
        - Math.pow(Logarithms.log2(cell.learningRate() / rate), 2) / 20;
  }

  private static Map<Cell, Double> run(CapacitySearch search, ToDoubleFunction<Cell> model,
      Map<Cell, Double> before) {
    Map<Cell, Double> measured = new HashMap<>(before);
    int together = 1 + before.size() % 5;
    for (List<Cell> wave = search.next(new Measured(measured), together); !wave.isEmpty(); wave = search
        .next(new Measured(measured), together)) {
      for (Cell cell : wave) {
        assertFalse(measured.containsKey(cell), "measured twice: " + cell);
        measured.put(cell, model.applyAsDouble(cell));
      }
      assertTrue(measured.size() < 40, () -> "the search does not end: " + measured.keySet());
    }
    return measured;
  }

  @Test
  void aPlantedPeakIsFound() {
    RandomGenerator random = new SplittableRandom(TestSeed.value());
    for (int trial = 0; trial < 200; trial++) {
      int size = random.nextInt(1, PEOPLE.size() - 1);
      int doublings = random.nextInt(-2, 3);
      int seeds = random.nextInt(2, 6);
      CapacitySearch search = new CapacitySearch(PEOPLE, random.nextInt(1, PEOPLE.size()), 0.003, seeds);
      ToDoubleFunction<Cell> model = planted(size, 0.003 * Math.pow(2, doublings));
      Map<Cell, Double> measured = run(search, cell -> model.applyAsDouble(cell) + 1e-3 * cell.seed(),
          Map.of());
      CapacityFinding finding = search.finding(new Measured(measured), 0).orElseThrow();
      assertEquals(PEOPLE.get(size), finding.people());
      assertEquals(0.003 * Math.pow(2, doublings), finding.learningRate());
      assertTrue(finding.bracketed());
      assertEquals(seeds, finding.seeds());
      // The mean of 2e-3, 3e-3 ...: the seed that chose has no part in it.
      assertEquals(model.applyAsDouble(new Cell(PEOPLE.get(size), finding.learningRate(), 0))
          + 1e-3 * (2 + (seeds - 1) / 2.0), finding.capacityRatio(), 1e-12);
      assertTrue(finding.smaller().getFirst().capacityRatio() < finding.capacityRatio());
      assertTrue(finding.larger().getFirst().capacityRatio() < finding.capacityRatio());
    }
  }

  /** Any part of the runs is enough to go on from: the search ends at the same place and measures nothing twice. */
  @Test
  void aStoppedSearchGoesOn() {
    RandomGenerator random = new SplittableRandom(TestSeed.value());
    CapacitySearch search = new CapacitySearch(PEOPLE, 5, 0.003, 3);
    ToDoubleFunction<Cell> model = planted(7, 0.006);
    Map<Cell, Double> whole = run(search, model, Map.of());
    for (int trial = 0; trial < 50; trial++) {
      Map<Cell, Double> part = new HashMap<>();
      whole.forEach((cell, ratio) -> {
        if (random.nextBoolean()) {
          part.put(cell, ratio);
        }
      });
      CapacityFinding expected = search.finding(new Measured(whole), 0).orElseThrow();
      CapacityFinding found = search.finding(new Measured(run(search, model, part)), 0).orElseThrow();
      assertEquals(List.of(expected.people(), expected.learningRate(), expected.seeds(), expected.rates()),
          List.of(found.people(), found.learningRate(), found.seeds(), found.rates()));
      // A neighbour may have had seeds while cores waited.
      assertEquals(expected.capacityRatio(), found.capacityRatio(), 1e-12);
      assertEquals(expected.smaller().getFirst().capacityRatio(), found.smaller().getFirst().capacityRatio(),
          1e-12);
      assertEquals(expected.larger().getFirst().capacityRatio(), found.larger().getFirst().capacityRatio(),
          1e-12);
    }
  }

  /** A rate with which any run diverges has lost, whoever finds out when: the chosen rate is below it, and no mean is over survivors. */
  @Test
  void ratesThatDivergeHaveLost() {
    RandomGenerator random = new SplittableRandom(TestSeed.value());
    for (int trial = 0; trial < 200; trial++) {
      int size = random.nextInt(1, PEOPLE.size() - 1);
      CapacitySearch search = new CapacitySearch(PEOPLE, random.nextInt(1, PEOPLE.size()), 0.003, 3);
      ToDoubleFunction<Cell> tame = planted(size, 0.006);
      // The seed that chooses never diverges, or only with rates that store less.
      double wild = 0.003 * Math.pow(2, random.nextInt(-2, 2));
      long unlucky = random.nextInt(1, 5);
      ToDoubleFunction<Cell> model = cell -> cell.learningRate() > 1.5 * wild
          && (cell.seed() == unlucky || cell.learningRate() > 3 * wild)
              ? Double.NEGATIVE_INFINITY
              : tame.applyAsDouble(cell);
      Map<Cell, Double> measured = run(search, model, Map.of());
      CapacityFinding finding = search.finding(new Measured(measured), 0).orElseThrow();
      assertEquals(PEOPLE.get(size), finding.people(), measured.toString());
      assertEquals(Math.min(wild, 0.006), finding.learningRate(), 1e-12, measured.toString());
      assertEquals(3, finding.seeds());
      assertTrue(Double.isFinite(finding.capacityRatio()));
      assertTrue(finding.rates()
          .stream()
          .allMatch(
              each -> each.capacityRatio().isPresent() == each.learningRate() <= 1.5 * wild || wild > 0.005),
          finding.toString());
    }
  }

  @Test
  void aModelThatAlwaysDivergesHasNoResult() {
    CapacitySearch search = new CapacitySearch(PEOPLE, 5, 0.003, 3);
    Map<Cell, Double> measured = run(search, _ -> Double.NEGATIVE_INFINITY, Map.of());
    assertEquals(0.003 / 8, search.diverged(new Measured(measured)).orElseThrow());
    assertTrue(search.diverged(new Measured(Map.of())).isEmpty());
  }

  /** The seed that chooses has luck at one size; the others tell. */
  @Test
  void aLuckySizeIsLeftAgain() {
    CapacitySearch search = new CapacitySearch(PEOPLE, 5, 0.003, 3);
    ToDoubleFunction<Cell> model = planted(5, 0.003);
    long lucky = PEOPLE.get(6);
    Measured measured = new Measured(run(search,
        cell -> model.applyAsDouble(cell) + (cell.seed() == 1 && cell.people() == lucky ? 0.2 : 0),
        Map.of()));
    CapacityFinding finding = search.finding(measured, 0).orElseThrow();
    assertEquals(PEOPLE.get(5), finding.people());
    assertTrue(finding.larger().getFirst().capacityRatio() < finding.capacityRatio(),
        finding.sentence(new SizedCorpus.Letters("N", "R")));
  }

  /** On a flat peak seeds scatter by more than sizes differ: the search stays where it has seeds, and has a result. */
  @Test
  void aFlatPeakIsNotLeftByChance() {
    CapacitySearch search = new CapacitySearch(PEOPLE, 5, 0.003, 3);
    Map<Cell, Double> measured = new HashMap<>();
    for (int doublings = -1; doublings <= 1; doublings++) {
      measured.put(new Cell(PEOPLE.get(4), 0.003 * Math.pow(2, doublings), 1), doublings == 0 ? 1.66 : 1.5);
    }
    double[] atPeak = {1.7214, 1.7525, 1.6434, 1.6873};
    for (int seed = 1; seed <= 4; seed++) {
      measured.put(new Cell(PEOPLE.get(5), 0.003, seed), atPeak[seed - 1]);
    }
    Cell larger = new Cell(PEOPLE.get(6), 0.003, 1);
    measured.put(larger, 1.6962);
    CapacityFinding finding = search.finding(new Measured(measured), 0).orElseThrow();
    assertEquals(PEOPLE.get(5), finding.people());
    assertEquals(1.6944, finding.capacityRatio(), 1e-9);
    assertTrue(finding.sentence(new SizedCorpus.Letters("N", "R"))
        .contains("(more, by less than the standard error)"));
    assertTrue(search.next(new Measured(measured), 2).isEmpty());
    // The standard error of the three is 0.0317.
    measured.put(larger, 1.7265);
    assertTrue(search.next(new Measured(measured), 2).contains(new Cell(PEOPLE.get(7), 0.003, 1)));
  }

  /** How many seeds there are depends on the scatter of the first three alone, and the interval on nothing else. */
  @Test
  void anIntervalThatWasAskedForHoldsTheTruth() {
    RandomGenerator random = new SplittableRandom(TestSeed.value());
    int held = 0;
    int trials = 4000;
    for (int trial = 0; trial < trials; trial++) {
      double[] ratios = DoubleStream.generate(() -> random.nextGaussian(2, 0.05)).limit(400).toArray();
      CapacityFinding first = CapacityFinding.of(100, 0.003, Arrays.copyOf(ratios, 3), 3, List.of(),
          List.of(), RATES);
      int seeds = Math.clamp(first.seedsFor(0.05), 3, ratios.length);
      CapacityFinding finding = CapacityFinding.of(100, 0.003, Arrays.copyOf(ratios, seeds), 3, List.of(),
          List.of(), RATES);
      assertTrue(finding.interval() <= 0.05 * (1 + 1e-12) || seeds == ratios.length, finding.toString());
      held += Math.abs(finding.capacityRatio() - 2) <= finding.interval() ? 1 : 0;
    }
    // At least 95 %, as rounding the number of seeds up makes it more; four standard errors of the count are 1.4 %.
    assertTrue(held > 0.935 * trials, held + " of " + trials);
    assertTrue(held < 0.99 * trials, held + " of " + trials);
  }

  @Test
  void moreSeedsAreNew() {
    CapacitySearch search = new CapacitySearch(PEOPLE, 5, 0.003, 3);
    Measured measured = new Measured(run(search, planted(5, 0.003), Map.of()));
    assertEquals(List.of(new Cell(PEOPLE.get(5), 0.003, 5), new Cell(PEOPLE.get(5), 0.003, 6)),
        search.more(measured, 2));
  }

  @Test
  void aPeakAtTheEndIsNotBracketed() {
    CapacitySearch search = new CapacitySearch(PEOPLE, 5, 0.003, 2);
    CapacityFinding finding = search.finding(new Measured(run(search, planted(20, 0.003), Map.of())), 0)
        .orElseThrow();
    assertEquals(PEOPLE.getLast(), finding.people());
    assertFalse(finding.bracketed());
    assertTrue(finding.sentence(new SizedCorpus.Letters("N", "R")).contains("not bracketed: no larger"),
        finding.sentence(new SizedCorpus.Letters("N", "R")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt2-1-1-w8", "gpt2-2-2-w16", "llama-2-2-w16", "gpt2-2-2", "gpt2-12-12", "mistral-4-4"})
  void corporaSuitTheModel(String name) {
    DenseCorpus corpus = DenseCorpus.of(ModelSpec.parse(name), 2);
    double names = Math.pow(Math.min(400, corpus.names()), 2) * corpus.names();
    assertTrue(corpus.people().getLast() * 10 <= names);
    assertTrue(corpus.alphabet() * corpus.alphabet() >= 16 * corpus.diversity());
    for (int size = 1; size < corpus.people().size(); size++) {
      assertTrue(corpus.people().get(size) > corpus.people().get(size - 1));
      assertTrue(SizedCorpus.ratio(size) < 1.99
          || corpus.diversity() * Logarithms.log2(corpus.people().get(size)) <= corpus.people().get(size));
    }
    assertEquals(5, SizedCorpus.size(2 * Math.sqrt(2)));
  }

  /** 1000 exposures are some 50,000 steps whatever N is, but a step has a text at least, and no more than suit the model. */
  @ParameterizedTest
  @CsvSource({"gpt2-2-1-w16, 1000", "gpt2-2-1-w16, 100", "gpt2-2-2-w16, 1000", "gpt2-4-4, 1000"})
  void smallModelsHaveEnoughSteps(String name, long exposures, @TempDir Path folder) throws Exception {
    ModelSpec model = ModelSpec.parse(name);
    CapacityStudy study = CapacityStudy.of(model, exposures, "auto");
    for (long people : study.corpus().people()) {
      Path file = Files.write(folder.resolve("study.yaml"),
          study.yaml(46, 200_000, List.of(new Cell(people, 0.003, 1))));
      RunSpec run = StudyReader.read(file).runs().getFirst();
      long windows = run.training().batchSize();
      long texts = windows * run.training().contextLength() / 46;
      long steps = people * exposures / texts;
      String found = people + " people: " + texts + " texts, " + steps + " steps";
      // One text or two: half way is a factor of the square root of two. From three texts on the next number is within 1.5 times.
      double away = texts < 3 ? Math.sqrt(2) : Math.sqrt(1.5);
      assertTrue(steps > 50_000 / away - 1 || texts == 1, found);
      assertTrue(steps < 50_000 * away + 1 || windows == 8, found);
      assertTrue(windows == 1 || run.training().contextLength() >= 3 * 46, found);
    }
  }

  /** R and alpha are of one model with one P; a corpus of strings has the R^max that its size is for. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt2-1-1-w8", "gpt2-2-2-w16", "llama-2-2-w16", "gpt2-4-4"})
  void stringsHaveTheParametersOfFacts(String name, @TempDir Path folder) throws Exception {
    ModelSpec model = ModelSpec.parse(name);
    CapacityStudy facts = CapacityStudy.of(model, 1000, "auto");
    CapacityStudy strings = CapacityStudy.ofStrings(model, 1000, "auto");
    RunSpec ofFacts = only(facts, facts.corpus().people().getFirst(), folder);
    long parameters = ofFacts.program(ofFacts.corpus()).parameterCount();
    for (int size = 3; size < strings.corpus().people().size(); size++) {
      RunSpec run = only(strings, strings.corpus().people().get(size), folder);
      assertEquals(parameters, run.program(run.corpus()).parameterCount());
      double most = run.corpus().measured().bits().totalBits() / parameters;
      assertEquals(SizedCorpus.ratio(size), most, 0.1 * most + 100.0 / parameters);
    }
    assertEquals("capacity-" + name + "-strings-e1000", strings.name());
  }

  private static RunSpec only(CapacityStudy study, long people, Path folder) throws Exception {
    Path file = Files.write(folder.resolve("study.yaml"),
        study.yaml(33, 200_000, List.of(new Cell(people, 0.003, 1))));
    return StudyReader.read(file).runs().getFirst();
  }

  @Test
  void aModelThatHoldsNothingIsRefused() {
    ModelSpec tiny = ModelSpec.parse("gpt2-1-1-w2-rotary1");
    assertThrows(IllegalArgumentException.class, () -> DenseCorpus.of(tiny, 2));
  }
}
