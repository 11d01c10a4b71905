package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.units.Units;

/**
 * What keeps measured cells from a capacity law, and what to run for one.
 *
 * @param cells of one law or of several
 * @param peaks of these cells
 */
record Shortfall(List<Cell> cells, List<Peak> peaks) {
  /** R of the paper after 1000 exposures: what an unmeasured model is assumed to hold at most. */
  private static final double PUBLISHED_RATIO = 2;
  /** Of the paper's main figure, with which its models hold two bits per parameter. */
  private static final long PUBLISHED_EXPOSURES = 1000;
  private static final int SEEDS = 3;
  /** Models that a sentence names. */
  private static final int NAMES = 6;

  /** Why there is no law, and what to run. */
  String sentence() {
    List<String> advice = advice();
    String end = advice.isEmpty() ? "." : ": " + String.join("; ", advice) + ".";
    if (peaks.stream().noneMatch(peak -> peak.cell().limit() == Limit.MODEL)) {
      boolean any = cells.stream().anyMatch(cell -> cell.limit() == Limit.MODEL);
      return (any ? "No peak is at a cell that is" : "No cell is") + " known to be limited by its model ("
          + limits(any) + "), so that nothing here is a capacity, and no law is fitted"
          + (advice.isEmpty() ? "" : ". To measure one") + end;
    }
    return "No law is fitted. It needs peaks of " + PowerLaw.LEAST_POINTS
        + " sizes of model or more, each of them bracketed, limited by its model and measured with two seeds or more; "
        + faults() + (advice.isEmpty() ? "" : ". To fit one") + end;
  }

  private String limits(boolean anyModel) {
    List<String> counts = new ArrayList<>();
    count(counts, Limit.CORPUS, "limited by the corpus");
    count(counts, Limit.LEARNING, "still learning");
    if (anyModel) {
      count(counts, Limit.MODEL, "limited by the model, none of them a peak");
    }
    count(counts, Limit.UNDECIDED, "undecided");
    return String.join(", ", counts);
  }

  private void count(List<String> counts, Limit limit, String what) {
    long found = cells.stream().filter(cell -> cell.limit() == limit).count();
    if (found > 0) {
      counts.add(found + " " + what);
    }
  }

  private String faults() {
    List<String> faults = new ArrayList<>();
    fault(faults, peak -> !peak.bracketed(), "not bracketed");
    fault(faults, peak -> peak.cell().limit() != Limit.MODEL, "not known to be limited by the model");
    fault(faults, peak -> !peak.cell().ratio().hasInterval(), "without an interval over seeds");
    return "of the " + peaks.size() + " here " + (faults.isEmpty() ? "all are" : String.join(", ", faults));
  }

  private void fault(List<String> faults, Predicate<Peak> which, String what) {
    long found = peaks.stream().filter(which).count();
    if (found > 0) {
      faults.add(found + (found == 1 ? " is " : " are ") + what);
    }
  }

  /** What to run. Where a model was still learning at its peak, more exposures come before more people. */
  private List<String> advice() {
    List<String> advice = new ArrayList<>();
    SequencedSet<String> learning = new TreeSet<>();
    peaks.stream().filter(Shortfall::learning).forEach(peak -> learning.add(peak.cell().model()));
    if (!learning.isEmpty()) {
      long most = peaks.stream()
          .filter(Shortfall::learning)
          .mapToLong(peak -> peak.cell().exposures())
          .max()
          .orElseThrow();
      advice.add("give " + named(learning) + ", still learning at "
          + (learning.size() == 1 ? "its peak" : "their peaks") + ", more exposures than " + Units.count(most)
          + (most < PUBLISHED_EXPOSURES ? ", such as the paper's " + Units.count(PUBLISHED_EXPOSURES) : ""));
    }
    Map<SequencedSet<Long>, List<String>> people = new LinkedHashMap<>();
    proposals().forEach((model, each) -> people.computeIfAbsent(each, _ -> new ArrayList<>()).add(model));
    if (!people.isEmpty()) {
      advice.add("train on N = " + named(people.entrySet()
          .stream()
          .map(entry -> entry.getKey().stream().map(Units::count).collect(Collectors.joining(" and "))
              + " for " + String.join(" and ", entry.getValue()))
          .toList()));
    }
    if (peaks.isEmpty() || peaks.stream().anyMatch(peak -> !peak.cell().ratio().hasInterval())) {
      advice.add("measure each peak and the corpora beside it with " + SEEDS + " seeds");
    }
    long sizes = cells.stream()
        .collect(Collectors.groupingBy(
            cell -> List.of(cell.family(), cell.corpusKind(), cell.variant(), cell.exposures()),
            Collectors.mapping(Cell::model, Collectors.toSet())))
        .values()
        .stream()
        .mapToLong(Set::size)
        .max()
        .orElse(0);
    if (sizes < PowerLaw.LEAST_POINTS) {
      advice.add("add " + (PowerLaw.LEAST_POINTS - sizes) + " of the " + PowerLaw.LEAST_POINTS
          + " sizes of model that a law needs");
    }
    return advice;
  }

  private static boolean learning(Peak peak) {
    return peak.cell().limit() == Limit.LEARNING;
  }

  private static String named(Collection<String> names) {
    return names.stream().limit(NAMES).collect(Collectors.joining(", "))
        + (names.size() > NAMES ? " and " + (names.size() - NAMES) + " more" : "");
  }

  /** The corpora that would bracket the peaks of models that were not still learning there, by model. */
  private Map<String, SequencedSet<Long>> proposals() {
    Map<String, SequencedSet<Long>> proposed = new LinkedHashMap<>();
    for (Peak peak : peaks) {
      if (!learning(peak)) {
        Stream
            .concat(peak.smallerMeasured() ? Stream.empty() : Stream.of(digits(peak.cell().people() / 2.0)),
                peak.largerMeasured()
                    ? Stream.empty()
                    : Stream.of(larger(peak.cell(), peak.cell().ratio().value())))
            .filter(people -> people > 1)
            .forEach(
                people -> proposed.computeIfAbsent(peak.cell().model(), _ -> new TreeSet<>()).add(people));
      }
    }
    Map<String, Optional<Cell>> without = cells.stream()
        .filter(cell -> peaks.stream().noneMatch(peak -> peak.cell().model().equals(cell.model())))
        .collect(Collectors.groupingBy(Cell::model, LinkedHashMap::new, Collectors.maxBy(Cell.ORDER)));
    without.forEach((model, largest) -> proposed.computeIfAbsent(model, _ -> new TreeSet<>())
        .add(larger(largest.orElseThrow(), PUBLISHED_RATIO)));
    return proposed;
  }

  /** People whose bits are twice what a model of this R holds, and more than were measured. */
  private static long larger(Cell cell, double ratio) {
    return digits(
        Math.max(2 * ratio * cell.parameters() / (cell.totalBits() / cell.people()), 2.0 * cell.people()));
  }

  /** Two significant digits, rounded up. */
  private static long digits(double people) {
    double unit = Math.pow(10, Math.max(0, Math.floor(Math.log10(people)) - 1));
    return (long) (Math.ceil(people / unit) * unit);
  }
}
