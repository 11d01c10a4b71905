package org.knowcap.analysis.results;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.stat.descriptive.DescriptiveStatistics;
import org.knowcap.analysis.capacity.Memorisation;
import tech.tablesaw.api.Table;

/**
 * What runs that differ in nothing but their seeds have in common.
 *
 * @param corpus name of the corpus
 * @param people N
 * @param exposures of each person
 * @param completeExposures of each person that lay in one window; absent in tables of earlier versions
 * @param model short name
 * @param parameters P
 * @param learningRate at its peak
 * @param engine that trained and measured
 * @param setting what the lists under 'corpus' and 'training' of the study chose
 * @param seeds how many runs there are
 * @param varied which of the seeds differ between the runs: such as "corpus, weights and order"
 * @param storedBits mean, bits
 * @param nameStoredBits mean bits of the names; absent where a run does not tell
 * @param valueStoredBits mean bits of the values; absent where a run does not tell
 * @param diversityStoredBits mean bits of the diversity; absent where there is none
 * @param capacityRatio mean R, bits per parameter
 * @param capacityRatioDeviation standard deviation of R over the seeds, with Bessel's correction; absent for a
 *        single seed
 * @param capacityRatioInterval half of the 95 % confidence interval of the mean R by Student's t; absent for one run,
 *        and where two runs have a varied seed in common, as they are then not independent
 * @param leastCapacityRatio of all seeds
 * @param greatestCapacityRatio of all seeds
 * @param saturation mean R / R^max
 * @param limitedBy what kept the runs from storing more; several words where they differ
 * @param memorisedRatio mean memorised bits per parameter; absent where corpora are not of random strings
 * @param memorisedRatioInterval half of its 95 % confidence interval; absent as that of R is
 */
public record SeedMeans(String corpus, long people, long exposures, OptionalDouble completeExposures,
    String model, long parameters, double learningRate, String engine, Optional<String> setting, int seeds,
    String varied, double storedBits, OptionalDouble nameStoredBits, OptionalDouble valueStoredBits,
    OptionalDouble diversityStoredBits, double capacityRatio, OptionalDouble capacityRatioDeviation,
    OptionalDouble capacityRatioInterval, double leastCapacityRatio, double greatestCapacityRatio,
    double saturation, String limitedBy, OptionalDouble memorisedRatio,
    OptionalDouble memorisedRatioInterval) {
  private static final double CONFIDENCE = 0.95;

  /** The properties that are equal in runs which differ only in their seeds. */
  private record Setting(String corpus, double totalBits, long people, long exposures,
      OptionalDouble completeExposures, String model, long parameters, double learningRate, String engine,
      Optional<String> setting) {
    static Setting of(RunResult run) {
      // The corpus's bits tell apart corpora of one name whose lists differ, and complete exposures windows and packings.
      return new Setting(run.corpus(), run.totalBits(), run.people(), run.exposures(),
          run.completeness().completeExposures(), run.model(), run.parameters(), run.learningRate(),
          run.engine(), run.setting());
    }
  }

  /**
   * Means over the seeds of these runs, in the order in which the settings first occur.
   *
   * @throws ResultsException where equal seeds occur twice in what the table shows as one setting: the runs then
   *     differ in something that it does not show, and a mean would mix them
   */
  public static List<SeedMeans> of(List<RunResult> runs) {
    Map<Setting, List<RunResult>> settings = runs.stream()
        .collect(Collectors.groupingBy(Setting::of, LinkedHashMap::new, Collectors.toList()));
    return settings.values().stream().map(SeedMeans::summary).toList();
  }

  private static SeedMeans summary(List<RunResult> runs) {
    RunResult first = runs.getFirst();
    Map<Seeds, RunResult> seen = new LinkedHashMap<>();
    for (RunResult run : runs) {
      RunResult other = seen.put(run.seeds(), run);
      if (other != null) {
        throw alike(other, run);
      }
    }
    List<Seeds> seeds = List.copyOf(seen.keySet());
    DescriptiveStatistics ratios = statistics(runs.stream().map(RunResult::capacityRatio).toList());
    return new SeedMeans(first.corpus(), first.people(), first.exposures(),
        first.completeness().completeExposures(), first.model(), first.parameters(), first.learningRate(),
        first.engine(), first.setting(), runs.size(), Seeds.varied(seeds),
        statistics(runs.stream().map(RunResult::storedBits).toList()).getMean(),
        mean(runs, PartBits::nameStoredBits), mean(runs, PartBits::valueStoredBits),
        mean(runs, PartBits::diversityStoredBits), ratios.getMean(),
        runs.size() > 1 ? OptionalDouble.of(ratios.getStandardDeviation()) : OptionalDouble.empty(),
        interval(runs, RunResult::capacityRatio), ratios.getMin(), ratios.getMax(),
        statistics(runs.stream().map(RunResult::saturation).toList()).getMean(), limits(runs, List.of()),
        mean(runs, RunResult::memorisation, Memorisation::memorisedRatio),
        first.memorisation().ofStrings()
            ? interval(runs, run -> run.memorisation().memorisedRatio().orElseThrow())
            : OptionalDouble.empty());
  }

  static ResultsException alike(RunResult one, RunResult other) {
    return new ResultsException("runs " + one.run() + " and " + other.run() + " have the same seeds, "
        + one.seeds() + ", and differ in nothing that the results show; means and pairs need them apart");
  }

  /** What limits these runs, each word once. */
  static String limits(List<RunResult> runs, List<RunResult> others) {
    return Stream.concat(runs.stream(), others.stream())
        .map(run -> run.limitedBy().toString())
        .distinct()
        .sorted()
        .collect(Collectors.joining(", "));
  }

  private static OptionalDouble mean(List<RunResult> runs, Function<PartBits, OptionalDouble> figure) {
    return mean(runs, RunResult::bits, figure);
  }

  private static <T> OptionalDouble mean(List<RunResult> runs, Function<RunResult, T> part,
      Function<T, OptionalDouble> figure) {
    List<OptionalDouble> figures = runs.stream().map(run -> figure.apply(part.apply(run))).toList();
    return figures.stream().allMatch(OptionalDouble::isPresent)
        ? OptionalDouble.of(statistics(figures.stream().map(OptionalDouble::getAsDouble).toList()).getMean())
        : OptionalDouble.empty();
  }

  /** Whether any run had stored nearly its whole corpus; the mean is then too low. */
  public boolean corpusBound() {
    return List.of(limitedBy.split(", ")).contains(Limit.CORPUS.toString());
  }

  /**
   * Half of the 95 % confidence interval of the mean of a figure over runs that differ in their seeds, by Student's
   * t; absent for one run, and where two have a varied seed in common or all seeds.
   */
  public static OptionalDouble interval(List<RunResult> runs, ToDoubleFunction<RunResult> figure) {
    return Seeds.independent(runs.stream().map(RunResult::seeds).toList())
        ? OptionalDouble.of(interval(statistics(runs.stream().map(figure::applyAsDouble).toList())))
        : OptionalDouble.empty();
  }

  /** Half of the 95 % confidence interval of a mean, by Student's t. */
  static double interval(DescriptiveStatistics values) {
    double quantile = new TDistribution(values.getN() - 1).inverseCumulativeProbability((1 + CONFIDENCE) / 2);
    return quantile * values.getStandardDeviation() / Math.sqrt(values.getN());
  }

  private static DescriptiveStatistics statistics(List<Double> values) {
    return new DescriptiveStatistics(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** A Tablesaw table of means, one a row. */
  public static Table table(List<SeedMeans> means) {
    return RecordTable.of(SeedMeans.class, means);
  }
}
