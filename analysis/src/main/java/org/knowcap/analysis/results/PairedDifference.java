package org.knowcap.analysis.results;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.commons.math3.stat.descriptive.DescriptiveStatistics;
import org.apache.commons.math3.stat.inference.TTest;
import tech.tablesaw.api.Table;

/**
 * How many more bits per parameter one architecture stores than another with equal numbers of layers and heads and
 * an equal head width. Runs of equal seeds are pairs, so an effect that their corpus has on both is not in the
 * difference.
 *
 * @param corpus name of the corpus
 * @param people N
 * @param exposures of each person
 * @param completeExposures of each person that lay in one window; absent in tables of earlier versions
 * @param learningRate at its peak
 * @param engine that trained and measured
 * @param setting what the lists under 'corpus' and 'training' of the study chose
 * @param model short name
 * @param against short name of the model that it is compared with
 * @param parameters P of the model
 * @param againstParameters P of the model that it is compared with
 * @param pairs runs of equal seeds
 * @param difference mean over the pairs of the model's R less the R of {@code against}, bits per parameter
 * @param differenceInterval half of the 95 % confidence interval of that mean, by Student's t; absent for one pair, and
 *        where two pairs have a varied seed in common, as they are then not independent
 * @param ratio mean R of the model, divided by the mean R of {@code against}
 * @param pValue of the paired t-test, two-sided: how likely at least such a difference would be if there were none;
 *        absent where the interval is, and where all pairs differ alike
 * @param limitedBy what limits the runs of both; several words where they differ
 */
public record PairedDifference(String corpus, long people, long exposures, OptionalDouble completeExposures,
    double learningRate, String engine, Optional<String> setting, String model, String against,
    long parameters, long againstParameters, int pairs, double difference, OptionalDouble differenceInterval,
    double ratio, OptionalDouble pValue, String limitedBy) {
  /** The corpus's bits tell apart corpora of one name whose lists differ, and complete exposures windows and packings. */
  private record Cell(String corpus, double totalBits, long people, long exposures,
      OptionalDouble completeExposures, double learningRate, String engine, Optional<String> setting) {
    static Cell of(RunResult run) {
      return new Cell(run.corpus(), run.totalBits(), run.people(), run.exposures(),
          run.completeness().completeExposures(), run.learningRate(), run.engine(), run.setting());
    }
  }

  /**
   * Compares all models of other architectures with those of one, cell by cell.
   *
   * @param against a family, such as "gpt2"; its models are compared with by their layers, heads and width
   * @throws ResultsException where there is nothing to compare, or equal seeds occur twice in what the table shows
   *     as one model and setting: the runs then differ in something that it does not show
   */
  public static List<PairedDifference> of(List<RunResult> runs, String against) {
    Map<Cell, Map<String, Map<Seeds, RunResult>>> cells = new LinkedHashMap<>();
    for (RunResult run : runs) {
      RunResult other = cells.computeIfAbsent(Cell.of(run), _ -> new LinkedHashMap<>())
          .computeIfAbsent(run.model(), _ -> new LinkedHashMap<>())
          .put(run.seeds(), run);
      if (other != null) {
        throw SeedMeans.alike(other, run);
      }
    }
    List<PairedDifference> differences = new ArrayList<>();
    cells.values().forEach(models -> models.forEach((model, own) -> {
      Optional<String> size = ModelName.of(model).size();
      if (size.isPresent() && !model.equals(against + size.get())) {
        Map<Seeds, RunResult> others = models.getOrDefault(against + size.get(), Map.of());
        List<RunResult> paired = own.values()
            .stream()
            .filter(run -> others.containsKey(run.seeds()))
            .toList();
        if (!paired.isEmpty()) {
          differences.add(of(paired, paired.stream().map(run -> others.get(run.seeds())).toList()));
        }
      }
    }));
    if (differences.isEmpty()) {
      throw new ResultsException("there is no model of another architecture beside one of " + against
          + " of as many layers and heads, on one corpus, with equal exposures (complete ones too), learning rate, engine and seeds");
    }
    return List.copyOf(differences);
  }

  private static PairedDifference of(List<RunResult> own, List<RunResult> others) {
    DescriptiveStatistics differences = new DescriptiveStatistics();
    double sum = 0;
    double otherSum = 0;
    for (int i = 0; i < own.size(); i++) {
      differences.addValue(own.get(i).capacityRatio() - others.get(i).capacityRatio());
      sum += own.get(i).capacityRatio();
      otherSum += others.get(i).capacityRatio();
    }
    OptionalDouble interval = OptionalDouble.empty();
    OptionalDouble pValue = OptionalDouble.empty();
    if (differences.getVariance() > 0 && Seeds.independent(own.stream().map(RunResult::seeds).toList())) {
      interval = OptionalDouble.of(SeedMeans.interval(differences));
      pValue = OptionalDouble.of(new TTest().tTest(0, differences));
    }
    RunResult run = own.getFirst();
    RunResult other = others.getFirst();
    return new PairedDifference(run.corpus(), run.people(), run.exposures(),
        run.completeness().completeExposures(), run.learningRate(), run.engine(), run.setting(), run.model(),
        other.model(), run.parameters(), other.parameters(), own.size(), differences.getMean(), interval,
        sum / otherSum, pValue, SeedMeans.limits(own, others));
  }

  /** A Tablesaw table of differences, one a row. */
  public static Table table(List<PairedDifference> differences) {
    return RecordTable.of(PairedDifference.class, differences);
  }
}
