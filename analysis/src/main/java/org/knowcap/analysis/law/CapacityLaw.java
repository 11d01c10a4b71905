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
  /** R of the paper after 1000 exposures: what an unmeasured model is assumed to hold at most. */
  private static final double PUBLISHED_RATIO = 2;

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

  /** The laws that a report leads with: those whose exponent has an interval; none where these results cannot be fitted. */
  public static List<CapacityLaw> shown(List<RunResult> results) {
    try {
      return of(Cells.of(results)).stream()
          .filter(each -> each.law.isPresent() && each.law.get().gamma().hasInterval())
          .toList();
    } catch (LawException e) {
      // 'knowcap fit' says why; a report shows what can be shown.
      return List.of();
    }
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
    List<Peak> bracketed = peaks.stream().filter(Peak::bracketed).toList();
    List<Peak> fitted = sizes(bracketed) >= PowerLaw.LEAST_POINTS ? bracketed : peaks;
    peaks.stream()
        .filter(peak -> !fitted.contains(peak))
        .forEach(peak -> leftOut.computeIfAbsent("peak not bracketed", _ -> new ArrayList<>())
            .add(peak.cell().toString()));
    boolean capacities = fitted.stream()
        .allMatch(peak -> peak.bracketed() && peak.cell().limit() == Limit.MODEL);
    Optional<PowerLaw> law = sizes(fitted) < 2
        ? Optional.empty()
        : Optional.of(PowerLaw.fit(fitted.stream()
            .map(peak -> new PowerLaw.Point(peak.parameters(), peak.cell().storedBits().value()))
            .toList())).map(found -> capacities ? found : found.untested());
    List<String> summary = new ArrayList<>();
    unlimited(cells, peaks).ifPresent(summary::add);
    if (law.isPresent() && fitted.stream().anyMatch(peak -> !peak.bracketed())) {
      summary.add("The law is provisional: of its " + fitted.size() + " peaks "
          + fitted.stream().filter(peak -> !peak.bracketed()).count()
          + " are not bracketed by a smaller and a larger corpus, so that they may be too low.");
    }
    summary.add(sentence(fitted, law));
    List<String> warnings = new ArrayList<>(source.warnings());
    long learning = fitted.stream().filter(peak -> peak.cell().limit() == Limit.LEARNING).count();
    if (learning > 0) {
      warnings.add(learning + " of " + fitted.size()
          + " peaks are of models that were still learning: more exposures would raise them.");
    }
    if (fitted.stream().anyMatch(peak -> peak.cell().runs().size() == 1)) {
      warnings.add(
          "Peaks of one seed alone are in the fit; their error shows in the scatter about the law only.");
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
      return "limited by the corpus: over 98 % of it are stored";
    }
    if (cell.nearlyFull()) {
      return "perhaps limited by the corpus: 90 to 98 % of it are stored";
    }
    if (cell.storedBits().value() <= 0) {
      return "no bits are stored";
    }
    return peak.isPresent()
        ? "not the peak: R is lower, or it has fewer seeds"
        : "the model's largest corpus is nearly stored whole, so that it has no peak";
  }

  /** What is missing where no cell is known to be limited by its model. */
  private static Optional<String> unlimited(List<Cell> cells, List<Peak> peaks) {
    if (peaks.stream().anyMatch(peak -> peak.cell().limit() == Limit.MODEL)) {
      return Optional.empty();
    }
    boolean any = cells.stream().anyMatch(cell -> cell.limit() == Limit.MODEL);
    long corpus = cells.stream().filter(cell -> cell.limit() == Limit.CORPUS).count();
    long learning = cells.stream().filter(cell -> cell.limit() == Limit.LEARNING).count();
    long model = cells.stream().filter(cell -> cell.limit() == Limit.MODEL).count();
    long undecided = cells.size() - corpus - learning - model;
    List<String> counts = new ArrayList<>();
    if (corpus > 0) {
      counts.add(corpus + " limited by the corpus");
    }
    if (learning > 0) {
      counts.add(learning + " still learning");
    }
    if (model > 0) {
      counts.add(model + " limited by the model, none of them a peak");
    }
    if (undecided > 0) {
      counts.add(undecided + " undecided");
    }
    List<String> advice = new ArrayList<>();
    if (peaks.isEmpty() || peaks.stream().anyMatch(peak -> !peak.largerMeasured())) {
      advice.add("train on N = " + proposals(cells, peaks));
    }
    if (learning > 0) {
      advice.add("give the runs that were still learning more exposures");
    }
    return Optional
        .of((any ? "No peak is at a cell that is" : "No cell is") + " known to be limited by its model ("
            + String.join(", ", counts) + "), so that nothing here is a capacity"
            + (advice.isEmpty() ? "" : "; to measure one, " + String.join(", and ", advice)) + ".");
  }

  /** Of each model without a larger corpus: people whose bits are twice what it holds by its R, or by the paper's. */
  private static String proposals(List<Cell> cells, List<Peak> peaks) {
    Map<String, Long> proposed = new LinkedHashMap<>();
    for (Cell cell : cells) {
      Optional<Peak> peak = peaks.stream()
          .filter(each -> each.cell().model().equals(cell.model()))
          .findFirst();
      if (peak.isEmpty() || !peak.get().largerMeasured()) {
        proposed.merge(cell.model(), proposedPeople(cell, peak), Math::max);
      }
    }
    return proposed.entrySet()
        .stream()
        .map(entry -> Units.count(entry.getValue()) + " for " + entry.getKey())
        .collect(Collectors.joining(", "));
  }

  /** Two significant digits, and more people than were measured. */
  private static long proposedPeople(Cell cell, Optional<Peak> peak) {
    double ratio = peak.map(found -> found.cell().ratio().value()).orElse(PUBLISHED_RATIO);
    double people = Math.max(2 * ratio * cell.parameters() / (cell.totalBits() / cell.people()),
        2.0 * peak.map(found -> found.cell().people()).orElse(cell.people()));
    double unit = Math.pow(10, Math.max(0, Math.floor(Math.log10(people)) - 1));
    return (long) (Math.ceil(people / unit) * unit);
  }

  private static String sentence(List<Peak> fitted, Optional<PowerLaw> law) {
    if (fitted.isEmpty()) {
      return "There is no peak: each model stores no bits, or over 90 % of its largest corpus.";
    }
    long sizes = sizes(fitted);
    if (law.isEmpty()) {
      Peak only = fitted.getFirst();
      return "R is " + only.cell().ratio() + " bits per parameter at the peak of " + only.cell().model()
          + ", N = " + Units.count(only.cell().people()) + " (" + only.bracket() + "); a law needs peaks of "
          + PowerLaw.LEAST_POINTS + " sizes of model, " + (PowerLaw.LEAST_POINTS - sizes) + " more.";
    }
    PowerLaw found = law.get();
    String form = "Stored bits at the peak grow as P^gamma with gamma = " + found.gamma() + "; at "
        + Units.brief(found.centre()) + " parameters, the centre of these models, R is " + found.atCentre()
        + ".";
    if (found.pGammaIsOne().isEmpty()) {
      return found.gamma().hasInterval()
          ? form
              + " Gamma = 1 is not tested, as not all of these peaks are bracketed and known to be limited by their"
              + " model: the exponent may be that of the corpora."
          : form;
    }
    return form + " Gamma = 1, as many bits per parameter at every size, "
        + (found.pGammaIsOne().getAsDouble() < 1 - Estimate.CONFIDENCE
            ? "is contradicted"
            : "is not contradicted (this does not establish it)")
        + ": " + Units.pValue(found.pGammaIsOne().getAsDouble()) + ".";
  }
}
