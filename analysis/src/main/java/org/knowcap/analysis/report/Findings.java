package org.knowcap.analysis.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;

/**
 * What a study measured, in a few plain sentences. They speak only of these runs, and claim no trend, law or cause.
 */
public final class Findings {
  /** Saturation below which much is missing. */
  private static final double MUCH_MISSING = 0.6;
  /** The most names in a sentence; the table has all names. */
  private static final int NAMES = 6;

  private final List<RunResult> results;

  private Findings(List<RunResult> results) {
    this.results = results;
  }

  /** Sentences on these runs, each ending in a full stop; one if there are none. */
  public static List<String> of(List<RunResult> results) {
    if (results.isEmpty()) {
      return List.of("No run has been measured.");
    }
    Findings findings = new Findings(results);
    List<String> sentences = new ArrayList<>(
        List.of(findings.measured(), findings.best(), findings.full() + findings.missing() + "."));
    belowZero(results).map(sentence -> sentence + ".").ifPresent(sentences::add);
    sentences.addAll(findings.memorised());
    findings.noncausal().ifPresent(sentences::add);
    return List.copyOf(sentences);
  }

  private String measured() {
    RunResult smallest = results.stream().min(Comparator.comparingLong(RunResult::parameters)).orElseThrow();
    RunResult largest = results.stream().max(Comparator.comparingLong(RunResult::parameters)).orElseThrow();
    String models = smallest.parameters() == largest.parameters()
        ? "a model of " + Units.count(smallest.parameters()) + " parameters"
        : "models of " + Units.count(smallest.parameters()) + " to " + Units.count(largest.parameters())
            + " parameters";
    return counted(results.size(), "run") + " measured: " + models + ", trained on "
        + (varies(RunResult::people) ? "corpora" : "a corpus") + " of " + people() + ", with "
        + range(RunResult::exposures, "exposure", "exposures") + ".";
  }

  private String best() {
    List<RunResult> free = results.stream().filter(result -> !result.corpusBound()).toList();
    if (free.isEmpty() && results.size() > 1) {
      return "Every run holds over 98 % of its corpus's bits, so that none tells how much a model can hold.";
    }
    RunResult best = (free.isEmpty() ? results : free).stream()
        .max(Comparator.comparingDouble(RunResult::capacityRatio))
        .orElseThrow();
    String ratio = Units.ratio(best.capacityRatio(), best.storedBitsStandardError() / best.parameters())
        + " bits per parameter";
    String who = name(best) + " (run " + best.run() + ")";
    if (best.storedBits() <= 0) {
      return "No run stored any bits: the best, " + who + ", came to " + ratio + ".";
    }
    String offered = ratio + ", of the " + Units.ratio(best.maxCapacityRatio()) + " its corpus offered";
    return results.size() == 1
        ? "It stored " + offered + "."
        : "The most that was stored"
            + (free.size() < results.size() ? " where the corpus was not the limit" : "") + " is " + offered
            + ", by " + who + reason(best) + ".";
  }

  private static String reason(RunResult result) {
    return switch (result.limitedBy()) {
      case LEARNING -> ", which was still learning";
      case MODEL -> ", which had nearly stopped learning";
      case CORPUS, UNDECIDED -> "";
    };
  }

  private String full() {
    List<RunResult> full = results.stream().filter(RunResult::nearlyFull).toList();
    return full.isEmpty()
        ? "No run holds more than 90 % of its corpus's bits"
        : holding(full, "more than 90 %");
  }

  private String missing() {
    List<RunResult> missing = results.stream().filter(result -> result.saturation() < MUCH_MISSING).toList();
    return missing.isEmpty() ? "" : "; " + lowered(holding(missing, "less than 60 %")) + why(missing);
  }

  /** How many of these runs were still learning, and for how many that is not known; the end of a sentence. */
  private static String why(List<RunResult> runs) {
    long learning = runs.stream().filter(run -> run.limitedBy() == Limit.LEARNING).count();
    long undecided = runs.stream().filter(run -> run.limitedBy() == Limit.UNDECIDED).count();
    if (undecided == runs.size()) {
      return ", out of room or of training: these numbers cannot tell which";
    }
    return "; of these, " + learning + (learning == 1 ? " was" : " were") + " still learning"
        + (undecided == 0 ? "" : ", and of " + undecided + " it is not known");
  }

  /** What a negative number of stored bits means, where there is one; without a full stop. */
  public static Optional<String> belowZero(List<RunResult> results) {
    long below = results.stream().filter(run -> run.storedBits() < 0).count();
    return below == 0
        ? Optional.empty()
        : Optional.of(counted(below, "run") + (below == 1 ? " stores" : " store")
            + " fewer than 0 bits: a uniform guess among all possible names and values would lose less than the model does");
  }

  /** The numbers of people, or of random strings. */
  private String people() {
    boolean strings = results.stream().anyMatch(run -> run.memorisation().ofStrings());
    boolean named = results.stream().anyMatch(run -> !run.memorisation().ofStrings());
    return strings
        ? range(RunResult::people, named ? "person or string" : "string",
            named ? "people or strings" : "strings")
        : range(RunResult::people, "person", "people");
  }

  /** Of each model that learnt random strings: alpha, beside R of the same model if it learnt people, too. */
  private List<String> memorised() {
    return results.stream()
        .filter(run -> run.memorisation().ofStrings())
        .collect(Collectors.groupingBy(run -> List.of(run.model(), run.parameters()), LinkedHashMap::new,
            Collectors.toList()))
        .values()
        .stream()
        .map(this::memorised)
        .toList();
  }

  private String memorised(List<RunResult> strings) {
    RunResult best = strings.stream().max(Comparator.comparingDouble(Findings::alpha)).orElseThrow();
    boolean bracketed = strings.stream().anyMatch(run -> run.people() < best.people())
        && strings.stream().anyMatch(run -> run.people() > best.people());
    Optional<RunResult> facts = results.stream()
        .filter(run -> !run.memorisation().ofStrings() && !run.corpusBound() && run.causal()
            && run.model().equals(best.model()) && run.parameters() == best.parameters())
        .max(Comparator.comparingDouble(RunResult::capacityRatio));
    return best.model() + " (" + Units.count(best.parameters()) + " parameters) memorises at most "
        + Units.ratio(alpha(best)) + " bits of random strings per parameter (alpha), of "
        + Units.count(best.people()) + " strings"
        + (bracketed ? "" : " (no peak: other numbers may give more)")
        + facts.map(run -> ", and stores at most " + Units.ratio(run.capacityRatio())
            + " bits of facts about people (R), of " + run.corpus() + ": "
            + Units.ratio(Math.abs(alpha(best) - run.capacityRatio()))
            + (alpha(best) < run.capacityRatio() ? " more" : " fewer")).orElse("")
        + ".";
  }

  private static double alpha(RunResult run) {
    return run.memorisation().memorisedRatio().orElseThrow();
  }

  private Optional<String> noncausal() {
    List<RunResult> ahead = results.stream().filter(result -> !result.causal()).toList();
    return ahead.isEmpty()
        ? Optional.empty()
        : Optional.of("Not causal, so that R is no capacity there: " + names(ahead) + ".");
  }

  private static String lowered(String clause) {
    return clause.substring(0, 1).toLowerCase(Locale.ROOT) + clause.substring(1);
  }

  private String holding(List<RunResult> runs, String part) {
    String which = runs.size() < results.size()
        ? runs.size() + " of " + counted(results.size(), "run")
        : runs.size() == 1 ? "The run" : "All " + counted(runs.size(), "run");
    return which + (runs.size() == 1 ? " holds " : " hold ") + part + " of "
        + (runs.size() == 1 ? "its" : "their") + " corpus's bits"
        // Where it is all of them, no name is needed.
        + (runs.size() < results.size() ? ": " + names(runs) : "");
  }

  private String names(List<RunResult> runs) {
    String named = runs.stream().limit(NAMES).map(this::name).collect(Collectors.joining(", "));
    return runs.size() > NAMES ? named + " and " + (runs.size() - NAMES) + " more" : named;
  }

  /** The model, its corpus, and whatever else is not the same in all runs. */
  private String name(RunResult result) {
    List<String> more = new ArrayList<>();
    if (varies(RunResult::exposures)) {
      more.add(counted(result.exposures(), "exposure"));
    }
    if (varies(RunResult::seeds)) {
      more.add(result.seeds().toString());
    }
    return result.model() + " on " + Units.count(result.people())
        + (result.memorisation().ofStrings()
            ? result.people() == 1 ? " string" : " strings"
            : result.people() == 1 ? " person" : " people")
        + (more.isEmpty() ? "" : " with " + String.join(" and ", more));
  }

  private boolean varies(Function<RunResult, ?> field) {
    return results.stream().map(field).distinct().count() > 1;
  }

  private String range(Function<RunResult, Long> field, String one, String many) {
    List<Long> values = results.stream().map(field).distinct().sorted().toList();
    return Units.count(values.getFirst()) + (values.size() > 1 ? " to " + Units.count(values.getLast()) : "")
        + " " + (values.getLast() == 1 ? one : many);
  }

  private static String counted(long count, String noun) {
    return Units.count(count) + " " + noun + (count == 1 ? "" : "s");
  }
}
