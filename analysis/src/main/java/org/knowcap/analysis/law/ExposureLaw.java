package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.analysis.units.Units;

/**
 * R of one model on one corpus against exposures.
 *
 * @param model short name
 * @param parameters P
 * @param corpus name
 * @param variant what lists of its study chose beside the learning rate; empty without such lists
 * @param cells by exposures, at least two different
 * @param timeToLearn exposures to half of the greatest R, interpolated in a straight line on a log axis; absent if R
 *        is more than half at the fewest exposures, or if nothing is stored
 * @param rising whether R is greatest after the most exposures, so that the peak may be higher
 * @param summary whole sentences, the most important first
 * @param checklist of the estimate
 */
public record ExposureLaw(String model, long parameters, String corpus, String variant, List<Cell> cells,
    Optional<Estimate> timeToLearn, boolean rising, List<String> summary, Checklist checklist) {

  private record Group(String model, String corpus, String variant) {}

  /** The model and its corpus in words: "gpt2-2-2-w16 on bioS(200)". */
  public String name() {
    return model + " on " + corpus + (variant.isEmpty() ? "" : ", " + variant);
  }

  /**
   * One for each model and corpus that was measured after at least two different numbers of exposures.
   *
   * @throws LawException if there is none
   */
  public static List<ExposureLaw> of(Cells cells) {
    Map<Group, List<Cell>> groups = cells.cells()
        .stream()
        .collect(Collectors.groupingBy(cell -> new Group(cell.model(), cell.corpus(), cell.variant()),
            LinkedHashMap::new, Collectors.toList()));
    List<ExposureLaw> laws = groups.values()
        .stream()
        .filter(own -> own.stream().mapToLong(Cell::exposures).distinct().count() > 1)
        .map(own -> fit(own, cells))
        .toList();
    if (laws.isEmpty()) {
      throw new LawException(
          "no model was measured on one corpus after two different numbers of exposures; found "
              + cells.cells().stream().map(Cell::exposures).distinct().sorted().toList()
              + ". Train again with others, such as 'exposures: [100, 300, 1000]'");
    }
    return laws;
  }

  private static ExposureLaw fit(List<Cell> unsorted, Cells source) {
    List<Cell> cells = unsorted.stream().sorted(Comparator.comparingLong(Cell::exposures)).toList();
    Cell first = cells.getFirst();
    double[] exposures = cells.stream().mapToDouble(Cell::exposures).toArray();
    double[] ratios = cells.stream().mapToDouble(cell -> cell.ratio().value()).toArray();
    double peak = Arrays.stream(ratios).max().orElseThrow();
    boolean rising = ratios[ratios.length - 1] == peak && cells.getLast().limit() != Limit.CORPUS;
    Optional<Double> half = halfway(exposures, ratios);
    Optional<Estimate> time = half.map(value -> interval(cells, value));
    List<String> summary = new ArrayList<>();
    summary.add("R of " + first.model() + " on " + first.corpus()
        + (first.variant().isEmpty() ? "" : ", " + first.variant() + ",") + " goes from "
        + cells.getFirst().ratio() + " after " + Units.count(cells.getFirst().exposures()) + " exposures to "
        + cells.getLast().ratio() + " after " + Units.count(cells.getLast().exposures()) + ".");
    summary.add(time
        .map(found -> "Half of the greatest R is reached after " + found + " exposures"
            + (rising ? ", or later, as R is greatest after the most exposures and may rise on." : "."))
        .orElse(peak > 0
            ? "Half of the greatest R is reached by " + Units.count(cells.getFirst().exposures())
                + " exposures, the fewest that were measured."
            : "No bits are stored, so that there is no time to learn them."));
    if (cells.stream().anyMatch(cell -> cell.limit() == Limit.CORPUS)) {
      summary.add("Over 98 % of the corpus are stored after "
          + cells.stream()
              .filter(cell -> cell.limit() == Limit.CORPUS)
              .map(cell -> Units.count(cell.exposures()))
              .collect(Collectors.joining(", "))
          + " exposures: R is bounded by the corpus there, and the time is that to learn half of the corpus.");
    }
    List<String> warnings = new ArrayList<>(source.warnings());
    warnings
        .add("Runs of different exposures are trainings of their own, each with its learning-rate schedule.");
    Checklist checklist = new Checklist("none: R between measured exposures straight on a log axis",
        "R, bits per parameter, mean over seeds", cells.size(), source.leftOut(), Checklist.PARAMETER_COUNT,
        "all exposures of one model on one corpus", "none", "none", "none needed", "none",
        "95 %, Student's t over seeds; of the time to learn, over each seed's own time, on a log axis",
        Checklist.seeds(cells), first.parameters(), first.parameters(),
        Checklist.extrapolation(first.parameters()), List.copyOf(warnings));
    return new ExposureLaw(first.model(), first.parameters(), first.corpus(), first.variant(), cells, time,
        rising, List.copyOf(summary), checklist);
  }

  /** Where R passes half of its greatest value for the first time. */
  private static Optional<Double> halfway(double[] exposures, double[] ratios) {
    double half = Arrays.stream(ratios).max().orElseThrow() / 2;
    if (half <= 0 || ratios[0] >= half) {
      return Optional.empty();
    }
    int i = 1;
    while (ratios[i] < half) {
      i++;
    }
    double part = (half - ratios[i - 1]) / (ratios[i] - ratios[i - 1]);
    return Optional.of(exposures[i - 1] * Math.pow(exposures[i] / exposures[i - 1], part));
  }

  private static Estimate interval(List<Cell> cells, double time) {
    double[] exposures = cells.stream().mapToDouble(Cell::exposures).toArray();
    Set<Seeds> seeds = Cell.commonSeeds(cells);
    List<Double> logs = new ArrayList<>();
    for (Seeds seed : seeds) {
      double[] own = cells.stream().mapToDouble(cell -> cell.ratios(Set.of(seed))[0]).toArray();
      halfway(exposures, own).ifPresent(found -> logs.add(Math.log(found)));
    }
    if (seeds.size() < 2) {
      return Estimate.alone(time,
          "it needs two seeds that were measured after all exposures, found " + seeds.size());
    }
    if (!Seeds.independent(List.copyOf(seeds))) {
      return Estimate.alone(time, "two seeds share a part, so they are not independent");
    }
    if (logs.size() < seeds.size()) {
      return Estimate.alone(time, (seeds.size() - logs.size()) + " of " + seeds.size()
          + " seeds reach half of their greatest R by the fewest exposures, so that their time is not known");
    }
    // The geometric mean of the seeds' own times, so that estimate and interval are of one quantity.
    return Estimate.mean(logs.stream().mapToDouble(Double::doubleValue).toArray(), "seeds").map(Math::exp);
  }
}
