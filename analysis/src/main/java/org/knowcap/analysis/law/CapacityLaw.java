package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;

/**
 * The capacity law of one family on one kind of corpus after so many exposures: of each model the peak of R over corpus
 * sizes, and stored bits at the peak as rho P^gamma over the models.
 *
 * @param family architecture without its size
 * @param corpus kind of corpus, without its size
 * @param variant what lists of its study chose beside the learning rate; empty without such lists
 * @param exposures of each person
 * @param peaks one a model, by parameters
 * @param law over the peaks; absent where there are too few
 * @param summary whole sentences, the most important first
 * @param checklist of the fit
 */
public record CapacityLaw(String family, String corpus, String variant, long exposures, List<Peak> peaks,
    Optional<PowerLaw> law, List<String> summary, Checklist checklist) {
  private record Group(String family, String corpus, String variant, long exposures) {}

  /** Of all that its runs have in common: "gpt2, bioS, 1,000 exposures". */
  public String name() {
    return family + ", " + corpus + (variant.isEmpty() ? "" : ", " + variant) + ", " + Units.count(exposures)
        + " exposures";
  }

  /** The laws of these cells, one for each family, kind of corpus and number of exposures. */
  public static List<CapacityLaw> of(Cells cells) {
    return cells.cells()
        .stream()
        .collect(Collectors.groupingBy(
            cell -> new Group(cell.family(), cell.corpusKind(), cell.variant(), cell.exposures()),
            LinkedHashMap::new, Collectors.toList()))
        .entrySet()
        .stream()
        .map(entry -> fit(entry.getKey(), entry.getValue(), cells))
        .toList();
  }

  /** Whether there is a law, and its exponent has an interval. */
  public boolean hasInterval() {
    return law.isPresent() && law.get().gamma().hasInterval();
  }

  private static CapacityLaw fit(Group group, List<Cell> cells, Cells source) {
    List<Peak> peaks = new ArrayList<>();
    Map<String, List<String>> leftOut = new LinkedHashMap<>(source.leftOut());
    Map<String, List<Cell>> models = cells.stream()
        .sorted(Comparator.comparingLong(Cell::parameters))
        .collect(Collectors.groupingBy(Cell::model, LinkedHashMap::new, Collectors.toList()));
    models.values().forEach(own -> {
      Optional<Peak> peak = Peak.of(own);
      peak.ifPresent(peaks::add);
      own.stream()
          .filter(cell -> peak.isEmpty() || cell != peak.get().cell())
          .forEach(cell -> leftOut.computeIfAbsent(reason(cell, peak), _ -> new ArrayList<>())
              .add(cell.toString()));
    });
    List<Peak> capacities = peaks.stream().filter(Peak::isCapacity).toList();
    boolean enough = sizes(capacities) >= PowerLaw.LEAST_POINTS;
    List<Peak> fitted = enough ? capacities : peaks;
    peaks.stream()
        .filter(peak -> !fitted.contains(peak))
        .forEach(
            peak -> leftOut
                .computeIfAbsent(
                    "peak not bracketed, not known to be limited by its model, or without an interval",
                    _ -> new ArrayList<>())
                .add(peak.cell().toString()));
    Optional<PowerLaw> law = sizes(fitted) < 2
        ? Optional.empty()
        : Optional.of(PowerLaw.fit(fitted.stream()
            .map(peak -> new PowerLaw.Point(peak.parameters(), peak.cell().storedBits().value()))
            .toList())).map(found -> enough ? found : found.described());
    List<String> summary = new ArrayList<>();
    if (law.isPresent() && law.get().gamma().hasInterval()) {
      summary.add(headline(law.get()));
    } else {
      if (sizes(peaks) == 1 && peaks.getFirst().cell().limit() == Limit.MODEL) {
        summary.add(level(peaks.getFirst()));
      }
      summary.add(peaks.isEmpty() || !enough
          ? new Shortfall(cells, peaks).sentence()
          : "No law is fitted: the peaks do not scatter about a line at all, and measured ones would.");
      law.map(CapacityLaw::described).ifPresent(summary::add);
    }
    List<String> warnings = new ArrayList<>(source.warnings());
    long learning = fitted.stream().filter(peak -> peak.cell().limit() == Limit.LEARNING).count();
    if (learning > 0) {
      warnings.add(learning + " of " + fitted.size()
          + " peaks are of models that were still learning: more exposures would raise them.");
    }
    if (fitted.stream().map(peak -> peak.cell().runs().size()).distinct().count() > 1) {
      warnings.add("Peaks have different numbers of seeds, and least squares gives each the same weight.");
    }
    long unresolved = fitted.stream().filter(peak -> peak.bracketed() && !peak.resolved()).count();
    if (unresolved > 0) {
      warnings.add(unresolved + " of " + fitted.size()
          + " peaks are not resolved: on pairs of equal seeds R of a corpus"
          + " beside the peak is not surely lower, so that the best N is known only roughly.");
    }
    Checklist checklist = new Checklist("stored bits = rho P^gamma",
        "stored bits at the peak of R over N, " + "mean over seeds; names by the paper's N log2(N0/N)",
        fitted.size(), leftOut, Checklist.PARAMETER_COUNT,
        "of each model the cell of the greatest mean R among those whose corpus is at most 90 % stored, over seeds common to "
            + "these cells, or among the cells of the most seeds",
        "squares of ln(stored bits), each model once", "closed form (linear regression on logarithms)",
        "none needed", "none",
        "95 %; of a peak Student's t over its seeds, of the law Student's t over its models",
        Checklist.seeds(fitted.stream().map(Peak::cell).toList()),
        fitted.stream().mapToLong(peak -> peak.cell().parameters()).min().orElse(0),
        fitted.stream().mapToLong(peak -> peak.cell().parameters()).max().orElse(0),
        Checklist.extrapolation(cells.stream().mapToLong(Cell::parameters).max().orElseThrow()),
        List.copyOf(warnings));
    return new CapacityLaw(group.family, group.corpus, group.variant, group.exposures, List.copyOf(peaks),
        law, List.copyOf(summary), checklist);
  }

  private static long sizes(List<Peak> peaks) {
    return peaks.stream().mapToDouble(Peak::parameters).distinct().count();
  }

  private static String reason(Cell cell, Optional<Peak> peak) {
    if (cell.limit() == Limit.CORPUS) {
      return "full: over 98 % of the corpus are stored";
    }
    if (cell.nearlyFull()) {
      return "in the grey zone: 90 to 98 % of the corpus are stored";
    }
    if (cell.storedBits().value() <= 0) {
      return "no bits are stored";
    }
    return peak.isPresent()
        ? "not the peak: R is lower, or it has fewer seeds"
        : "the model's largest corpus is nearly stored whole, so that it has no peak";
  }

  private static String headline(PowerLaw law) {
    double p = law.pGammaIsOne().orElseThrow();
    return "Stored bits at the peak grow as P^gamma with gamma = " + law.gamma() + "; at "
        + Units.brief(law.centre()) + " parameters, the centre of these models, R is " + law.atCentre()
        + ". Gamma = 1, as many bits per parameter at every size, "
        + (p < 1 - Estimate.CONFIDENCE
            ? "is contradicted"
            : "is not contradicted (this does not establish it)")
        + ": " + Units.pValue(p) + ".";
  }

  private static String level(Peak only) {
    return "R is " + only.cell().ratio() + " bits per parameter at the peak of " + only.cell().model()
        + ", N = " + Units.count(only.cell().people()) + " (" + only.bracket() + ").";
  }

  private static String described(PowerLaw law) {
    return "A line through these " + law.points().size() + " peaks has the exponent "
        + Units.ratio(law.gamma().value()) + " and R = " + Units.ratio(law.atCentre().value()) + " at "
        + Units.brief(law.centre()) + " parameters. This describes them and is no law.";
  }
}
