package org.knowcap.analysis.results;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.commons.math3.stat.descriptive.DescriptiveStatistics;
import tech.tablesaw.api.Table;

/**
 * What runs that differ in nothing but their seed have in common: the seed changes the corpus's people, the initial
 * weights, and the order of the data.
 *
 * @param corpus name of the corpus
 * @param people N
 * @param exposures of each person
 * @param model short name
 * @param parameters P
 * @param learningRate at its peak
 * @param engine that trained and measured
 * @param seeds how many there are
 * @param storedBits mean, bits
 * @param capacityRatio mean R, bits per parameter
 * @param capacityRatioDeviation standard deviation of R over the seeds, with Bessel's correction; 0 of a single seed
 * @param leastCapacityRatio of all seeds
 * @param greatestCapacityRatio of all seeds
 * @param saturation mean R / R^max
 */
public record SeedMeans(String corpus, long people, long exposures, String model, long parameters,
    double learningRate, String engine, int seeds, double storedBits, double capacityRatio,
    double capacityRatioDeviation, double leastCapacityRatio, double greatestCapacityRatio,
    double saturation) {
  /** What is the same in runs that only differ in their seed. */
  private record Setting(String corpus, long people, long exposures, String model, long parameters,
      double learningRate, String engine) {
    static Setting of(RunResult run) {
      return new Setting(run.corpus(), run.people(), run.exposures(), run.model(), run.parameters(),
          run.learningRate(), run.engine());
    }
  }

  /**
   * Means over the seeds of these runs, in the order in which the settings first occur.
   *
   * @throws ResultsException where a seed occurs twice in what the table shows as one setting: the runs then
   *     differ in something that it does not show, and a mean would mix them
   */
  public static List<SeedMeans> of(List<RunResult> runs) {
    Map<Setting, List<RunResult>> settings = runs.stream()
        .collect(Collectors.groupingBy(Setting::of, LinkedHashMap::new, Collectors.toList()));
    return settings.values().stream().map(SeedMeans::summary).toList();
  }

  private static SeedMeans summary(List<RunResult> runs) {
    RunResult first = runs.getFirst();
    Map<Long, RunResult> seen = new LinkedHashMap<>();
    for (RunResult run : runs) {
      RunResult other = seen.put(run.seed(), run);
      if (other != null) {
        throw new ResultsException(
            "runs " + other.run() + " and " + run.run() + " have the same seed, " + run.seed()
                + ", and differ in nothing that the results show; a mean over seeds needs them apart");
      }
    }
    DescriptiveStatistics ratios = statistics(runs.stream().map(RunResult::capacityRatio).toList());
    return new SeedMeans(first.corpus(), first.people(), first.exposures(), first.model(), first.parameters(),
        first.learningRate(), first.engine(), runs.size(),
        statistics(runs.stream().map(RunResult::storedBits).toList()).getMean(), ratios.getMean(),
        ratios.getStandardDeviation(), ratios.getMin(), ratios.getMax(),
        statistics(runs.stream().map(RunResult::saturation).toList()).getMean());
  }

  private static DescriptiveStatistics statistics(List<Double> values) {
    return new DescriptiveStatistics(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** A Tablesaw table of means, one a row. */
  public static Table table(List<SeedMeans> means) {
    return RecordTable.of(SeedMeans.class, means);
  }
}
