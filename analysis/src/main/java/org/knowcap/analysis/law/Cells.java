package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.analysis.units.Units;

/**
 * Runs joined to cells, with warnings that readers need before a law is fitted.
 *
 * @param cells by corpus, exposures and size
 * @param leftOut runs that no law uses, by the reason
 * @param warnings whole sentences
 */
public record Cells(List<Cell> cells, Map<String, List<String>> leftOut, List<String> warnings) {
  /** Relative difference that the parameters of one model may have, because a larger corpus may use more tokens. */
  private static final double COUNTS_ALIKE = 0.05;
  private static final double KINDS_ALIKE = 0.1;
  /** Relative difference that the tokens of an exposure may have in runs of one kind of corpus. */
  private static final double TOKENS_ALIKE = 0.03;
  private static final double STEPS_ALIKE = 0.02;
  private static final double ROUNDING = 1e-9;

  /** The properties that are equal in the runs of a cell, except the learning rate. */
  private record Setting(String model, String corpus, long people, long exposures, String variant) {
    static Setting of(RunResult run) {
      return new Setting(run.model(), run.corpus(), run.people(), run.exposures(), Cell.variant(run));
    }
  }

  /**
   * Joins runs. Where a cell was trained with several learning rates, the cell keeps the rate with the most seeds,
   * and among such rates the one whose runs store most.
   *
   * @throws LawException if there are none, if equal seeds stand for different figures, or parameters are counted in
   *     two ways
   */
  public static Cells of(List<RunResult> results) {
    Map<String, List<String>> leftOut = new LinkedHashMap<>();
    List<String> warnings = new ArrayList<>();
    List<RunResult> causal = new ArrayList<>();
    for (RunResult run : results) {
      if (run.causal()) {
        causal.add(run);
      } else {
        leftOut.computeIfAbsent("not causal: R is no capacity", _ -> new ArrayList<>()).add(run.run());
      }
    }
    if (causal.isEmpty()) {
      throw new LawException(results.isEmpty()
          ? "there are no finished runs; a law needs some"
          : "none of the " + results.size() + " runs is causal, so that R is no capacity in any of them");
    }
    requireOneCount(causal, warnings);
    requireOneTraining(causal);
    Map<Setting, List<RunResult>> settings = causal.stream()
        .collect(Collectors.groupingBy(Setting::of, LinkedHashMap::new, Collectors.toList()));
    List<Cell> cells = new ArrayList<>();
    settings.values().forEach(runs -> cells.add(cell(runs, leftOut)));
    if (cells.stream().anyMatch(cell -> !cell.otherRates().isEmpty())) {
      warnings.add(
          "Some cells are the best of several learning rates, chosen by the runs that are then measured: "
              + "this makes R too high by a part of its interval. Choose rates on seeds that are not measured again.");
    }
    List<String> fixed = cells.stream()
        .filter(cell -> cell.runs().size() > 1 && cell.ratio().hasInterval())
        .map(cell -> Seeds.varied(cell.seeds()))
        .filter(varied -> !varied.equals("corpus, weights and order"))
        .distinct()
        .toList();
    fixed.forEach(varied -> warnings.add("The runs of some cells vary the seeds of " + varied
        + " alone: intervals say nothing of what other seeds of the rest would give."));
    warnMixed(causal, RunResult::engine, "engines", warnings);
    return new Cells(cells.stream().sorted(Cell.ORDER).toList(), leftOut, List.copyOf(warnings));
  }

  private static Cell cell(List<RunResult> runs, Map<String, List<String>> leftOut) {
    Map<Double, List<RunResult>> rates = runs.stream()
        .collect(Collectors.groupingBy(RunResult::learningRate, LinkedHashMap::new, Collectors.toList()));
    rates.replaceAll((_, alike) -> distinct(alike));
    Comparator<List<RunResult>> bySeeds = Comparator.comparingInt(List::size);
    List<RunResult> best = rates.values()
        .stream()
        .max(bySeeds.thenComparingDouble(
            alike -> alike.stream().mapToDouble(RunResult::capacityRatio).average().orElseThrow()))
        .orElseThrow();
    List<Double> others = new ArrayList<>();
    rates.forEach((rate, alike) -> {
      if (alike != best) {
        others.add(rate);
        leftOut.computeIfAbsent("another learning rate has more seeds or stores more", _ -> new ArrayList<>())
            .addAll(alike.stream().map(RunResult::run).toList());
      }
    });
    return new Cell(best, others);
  }

  /** Runs of one setting, each seed once. */
  private static List<RunResult> distinct(List<RunResult> runs) {
    Map<Seeds, RunResult> seen = new LinkedHashMap<>();
    for (RunResult run : runs) {
      RunResult other = seen.putIfAbsent(run.seeds(), run);
      if (other != null && other.storedBits() != run.storedBits()) {
        throw new LawException("runs " + other.run() + " and " + run.run()
            + " have the same setting and the same " + run.seeds() + ", but store "
            + Units.bits(other.storedBits()) + " and " + Units.bits(run.storedBits())
            + ": they differ in something that tables do not show, such as the batch or the engine; fit them apart");
      }
    }
    return List.copyOf(seen.values());
  }

  private static void requireOneCount(List<RunResult> runs, List<String> warnings) {
    record Named(String model, String kind) {}
    Map<Named, List<RunResult>> named = runs.stream()
        .collect(Collectors.groupingBy(
            run -> new Named(run.model(), new Cell(List.of(run), List.of()).corpusKind()), LinkedHashMap::new,
            Collectors.toList()));
    named.forEach((name, alike) -> {
      RunResult least = alike.stream().min(Comparator.comparingLong(RunResult::parameters)).orElseThrow();
      RunResult most = alike.stream().max(Comparator.comparingLong(RunResult::parameters)).orElseThrow();
      if (most.parameters() > (1 + COUNTS_ALIKE) * least.parameters()) {
        throw new LawException(name.model() + " has " + Units.count(least.parameters())
            + " parameters in run " + least.run() + " and " + Units.count(most.parameters()) + " in run "
            + most.run()
            + ": they are counted by different conventions, or the vocabularies differ; fit these runs apart");
      }
      if (most.parameters() != least.parameters()) {
        warnings.add(name.model() + " has " + Units.count(least.parameters()) + " to "
            + Units.count(most.parameters()) + " parameters, as larger corpora use more tokens.");
      }
    });
  }

  /**
   * Runs that tables would join must have learnt one kind of corpus, each text of which has one length, in batches
   * of one size.
   */
  private static void requireOneTraining(List<RunResult> runs) {
    record Kind(String corpus, String variant) {}
    Map<Kind, List<RunResult>> kinds = runs.stream()
        .collect(Collectors.groupingBy(
            run -> new Kind(new Cell(List.of(run), List.of()).corpusKind(), Cell.variant(run)),
            LinkedHashMap::new, Collectors.toList()));
    kinds.values().forEach(alike -> {
      requireAlike(alike, Cells::bitsApartFromN, KINDS_ALIKE,
          "bits a person, apart from the logarithm of N: they were measured by different attributes");
      requireAlike(alike, Cells::tokensAnExposure, TOKENS_ALIKE,
          "tokens for an exposure of a person: other texts were mixed in, or the windows differ");
    });
    runs.stream()
        .collect(Collectors.groupingBy(Setting::of, LinkedHashMap::new, Collectors.toList()))
        .values()
        .forEach(alike -> {
          requireAlike(alike, run -> Range.of(run.totalBits()), ROUNDING, "bits of the corpus");
          requireAlike(alike, Cells::tokensAStep, STEPS_ALIKE, "tokens a step: the batches differ");
        });
  }

  /** The range in which a figure of a run lies, because tables round exposures and steps to whole numbers. */
  private record Range(double low, double high) {
    static Range of(double exact) {
      return new Range(exact, exact);
    }
  }

  private static Range bitsApartFromN(RunResult run) {
    return Range.of(run.totalBits() / run.people() + Math.log(run.people()) / Math.log(2));
  }

  private static Range tokensAnExposure(RunResult run) {
    double step = run.steps() == 0 ? 0 : (double) run.tokens() / run.steps();
    return new Range((run.tokens() - step) / (run.people() * (run.exposures() + 0.5)),
        run.tokens() / (run.people() * (run.exposures() - 0.5)));
  }

  private static Range tokensAStep(RunResult run) {
    return Range.of(run.steps() == 0 ? 0 : (double) run.tokens() / run.steps());
  }

  private static void requireAlike(List<RunResult> runs, Function<RunResult, Range> figure, double part,
      String what) {
    RunResult least = runs.stream()
        .min(Comparator.comparingDouble(run -> figure.apply(run).high))
        .orElseThrow();
    RunResult most = runs.stream()
        .max(Comparator.comparingDouble(run -> figure.apply(run).low))
        .orElseThrow();
    if (figure.apply(most).low > (1 + part) * figure.apply(least).high) {
      throw new LawException("run " + least.run() + " has " + Units.number(figure.apply(least).high, 4)
          + " and run " + most.run() + " " + Units.number(figure.apply(most).low, 4) + " " + what
          + "; fit these runs apart");
    }
  }

  private static void warnMixed(List<RunResult> runs, Function<RunResult, String> what, String name,
      List<String> warnings) {
    Set<String> found = new TreeSet<>(runs.stream().map(what).toList());
    if (found.size() > 1) {
      warnings.add("Runs of several " + name + " are mixed: " + String.join(", ", found)
          + ". Differences between them are in the law.");
    }
  }
}
