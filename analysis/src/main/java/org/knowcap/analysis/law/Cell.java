package org.knowcap.analysis.law;

import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.ModelName;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.Seeds;

/**
 * A measured point: runs that differ in nothing but their seeds.
 *
 * @param runs at least one, by their seeds
 * @param otherRates learning rates of runs that were left out because runs with this cell's rate store more
 */
public record Cell(List<RunResult> runs, List<Double> otherRates) {
  private static final Pattern LEARNING_RATE = Pattern.compile("lr[0-9.eE+-]+");
  /** Sorts by corpus size, exposures and parameters. */
  static final Comparator<Cell> ORDER = Comparator.comparingLong(Cell::people)
      .thenComparingLong(Cell::exposures)
      .thenComparingLong(Cell::parameters);

  public Cell {
    runs = runs.stream().sorted(Comparator.comparing(RunResult::seeds, Seeds.ORDER)).toList();
    otherRates = List.copyOf(otherRates);
  }

  private RunResult first() {
    return runs.getFirst();
  }

  /** Short name of the model. */
  public String model() {
    return first().model();
  }

  /** The model's architecture without its size. */
  public String family() {
    return ModelName.of(model()).family();
  }

  /** P, the mean over the seeds: a vocabulary may depend on the corpus' seed. */
  public long parameters() {
    return Math.round(mean(RunResult::parameters));
  }

  /** Name of the corpus. */
  public String corpus() {
    return first().corpus();
  }

  /** The corpus without its size: bioS of bioS(200), bioD(N, 2, 8, 64, 1, 64) of a bioD. */
  public String corpusKind() {
    return corpus().replaceFirst("\\(" + people() + "\\)", "").replaceFirst("\\(" + people() + ",", "(N,");
  }

  /** What lists of its study chose beside the learning rate, such as "weight-decay-0.01"; empty without such lists. */
  public String variant() {
    return variant(first());
  }

  static String variant(RunResult run) {
    return Stream.of(run.setting().orElse("").split("_"))
        .filter(part -> !LEARNING_RATE.matcher(part).matches())
        .collect(Collectors.joining("_"));
  }

  /** N. */
  public long people() {
    return first().people();
  }

  /** Exposures that lay in one window, as the paper counts them; absent in tables of earlier versions. */
  public OptionalDouble completeExposures() {
    return first().completeness().completeExposures();
  }

  /** Number of exposures of each person. */
  public long exposures() {
    return first().exposures();
  }

  /** Learning rate at its peak. */
  public double learningRate() {
    return first().learningRate();
  }

  /** R^max. */
  public double maxCapacityRatio() {
    return first().maxCapacityRatio();
  }

  /** Bits of the corpus. */
  public double totalBits() {
    return first().totalBits();
  }

  /** Whether the corpus of any run is full or in the grey zone: R may then show the corpus rather than the model. */
  public boolean nearlyFull() {
    return runs.stream().anyMatch(RunResult::nearlyFull);
  }

  /** Seeds that all of these cells have. */
  static Set<Seeds> commonSeeds(List<Cell> cells) {
    Set<Seeds> common = new TreeSet<>(Seeds.ORDER);
    common.addAll(cells.getFirst().seeds());
    cells.forEach(cell -> common.retainAll(cell.seeds()));
    return common;
  }

  /** The seeds of the runs, in order. */
  List<Seeds> seeds() {
    return runs.stream().map(RunResult::seeds).toList();
  }

  /** R of the runs with these seeds, in order. */
  double[] ratios(Set<Seeds> of) {
    return runs.stream()
        .filter(run -> of.contains(run.seeds()))
        .mapToDouble(RunResult::capacityRatio)
        .toArray();
  }

  /** What limits the runs: the corpus where it limits any of them; else what most of them have. */
  public Limit limit() {
    if (runs.stream().anyMatch(RunResult::corpusBound)) {
      return Limit.CORPUS;
    }
    return List.of(Limit.UNDECIDED, Limit.LEARNING, Limit.MODEL)
        .stream()
        .max(Comparator.comparingLong(limit -> runs.stream().filter(run -> run.limitedBy() == limit).count()))
        .orElseThrow();
  }

  /** Mean of a figure over the seeds. */
  double mean(ToDoubleFunction<RunResult> figure) {
    return runs.stream().mapToDouble(figure).average().orElseThrow();
  }

  /** Mean R over the seeds, bits per parameter. */
  public Estimate ratio() {
    return estimate(RunResult::capacityRatio);
  }

  /** Mean stored bits over the seeds. */
  public Estimate storedBits() {
    return estimate(RunResult::storedBits);
  }

  private Estimate estimate(ToDoubleFunction<RunResult> figure) {
    List<Seeds> seeds = seeds();
    if (runs.size() > 1 && !Seeds.independent(seeds)) {
      return Estimate.alone(mean(figure),
          "two runs share one of the seeds that vary, so they are not independent");
    }
    return Estimate.mean(runs.stream().mapToDouble(figure).toArray(), "seeds");
  }

  /** The cell in words: "gpt2-2-2-w16 on bioS(200) after 100 exposures". */
  @Override
  public String toString() {
    return model() + " on " + corpus() + " after " + exposures() + " exposures"
        + (variant().isEmpty() ? "" : " (" + variant() + ")");
  }
}
