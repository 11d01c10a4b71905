package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.math3.distribution.TDistribution;
import org.knowcap.analysis.results.ModelName;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.Seeds;

/**
 * Two arms compared setting by setting.
 *
 * @param differences of the settings that both arms have
 * @param margin of equivalence, bits per parameter; absent where no equivalence was asked for
 * @param unmatched cells that only one arm has
 * @param warnings whole sentences
 */
public record ArmComparison(List<ArmDifference> differences, OptionalDouble margin, List<String> unmatched,
    List<String> warnings) {
  /** Of the studies in which a difference of the least detectable size would have been shown. */
  private static final double POWER = 0.8;

  /** What is one in both arms, so that the rest is what they are about. */
  private record Setting(long people, long exposures, String size) {
    static Setting of(Cell cell) {
      return new Setting(cell.people(), cell.exposures(),
          ModelName.of(cell.model()).size().orElse("-" + cell.model()));
    }

    @Override
    public String toString() {
      return "N = " + people + ", " + exposures + " exposures, " + size.substring(1);
    }
  }

  /**
   * Compares.
   *
   * @param first runs of the first arm; each setting of N, exposures and size of model must be one cell
   * @param second runs of the second arm
   * @param margin of equivalence, bits per parameter, above 0
   * @throws LawException if the arms have no setting in common, or one has several cells in a setting
   */
  public static ArmComparison of(List<RunResult> first, List<RunResult> second, OptionalDouble margin) {
    margin.ifPresent(value -> {
      if (!(value > 0) || Double.isInfinite(value)) {
        throw new LawException("the margin must be above 0 bits per parameter, found " + value);
      }
    });
    Cells firstCells = Cells.of(first);
    Cells secondCells = Cells.of(second);
    Map<Setting, Cell> a = bySetting(firstCells, "first");
    Map<Setting, Cell> b = bySetting(secondCells, "second");
    List<ArmDifference> raw = new ArrayList<>();
    List<String> unmatched = new ArrayList<>();
    a.forEach((setting, cell) -> {
      if (b.containsKey(setting)) {
        raw.add(difference(setting, cell, b.get(setting)));
      } else {
        unmatched.add("first arm only: " + cell);
      }
    });
    b.forEach((setting, cell) -> {
      if (!a.containsKey(setting)) {
        unmatched.add("second arm only: " + cell);
      }
    });
    if (raw.isEmpty()) {
      throw new LawException(
          "the arms have no setting in common; the first has " + a.keySet() + ", the second " + b.keySet());
    }
    List<String> warnings = new ArrayList<>(
        Stream.concat(firstCells.warnings().stream(), secondCells.warnings().stream()).distinct().toList());
    if (raw.stream().anyMatch(each -> each.limitedBy().contains("corpus"))) {
      warnings.add(
          "Where the corpus limits an arm, R is bounded by R^max, and the difference says little of the models.");
    }
    List<OptionalDouble> equivalences = raw.stream().map(each -> equivalence(each, margin)).toList();
    List<OptionalDouble> corrected = corrected(raw.stream().map(ArmDifference::pValue).toList());
    List<OptionalDouble> correctedEquivalences = corrected(equivalences);
    List<ArmDifference> decided = new ArrayList<>();
    for (int i = 0; i < raw.size(); i++) {
      decided.add(raw.get(i).decided(corrected.get(i), correctedEquivalences.get(i)));
    }
    return new ArmComparison(List.copyOf(decided), margin, List.copyOf(unmatched), List.copyOf(warnings));
  }

  private static Map<Setting, Cell> bySetting(Cells cells, String arm) {
    Map<Setting, Cell> settings = new LinkedHashMap<>();
    for (Cell cell : cells.cells()) {
      Cell other = settings.put(Setting.of(cell), cell);
      if (other != null) {
        throw new LawException("the " + arm + " arm has two cells with " + Setting.of(cell) + ": " + other
            + ", and " + cell + "; give arms of one family and one kind of corpus each");
      }
    }
    return settings;
  }

  private static ArmDifference difference(Setting setting, Cell a, Cell b) {
    Map<Seeds, RunResult> others = b.runs()
        .stream()
        .collect(Collectors.toMap(RunResult::seeds, Function.identity()));
    List<RunResult> own = a.runs().stream().filter(run -> others.containsKey(run.seeds())).toList();
    double[] ours = own.stream().mapToDouble(RunResult::capacityRatio).toArray();
    double[] theirs = own.stream().mapToDouble(run -> others.get(run.seeds()).capacityRatio()).toArray();
    double[] differences = new double[ours.length];
    double[] factors = new double[ours.length];
    for (int i = 0; i < ours.length; i++) {
      differences[i] = ours[i] - theirs[i];
      factors[i] = Math.log(ours[i] / theirs[i]);
    }
    double meanA = a.mean(RunResult::capacityRatio);
    double meanB = b.mean(RunResult::capacityRatio);
    String limits = a.limit() == b.limit() ? a.limit().toString() : a.limit() + ", " + b.limit();
    if (own.isEmpty()) {
      String reason = "no run of one arm has the seeds of one of the other";
      return new ArmDifference(setting.toString(), a.toString(), b.toString(), 0, meanA, meanB,
          Estimate.alone(meanA - meanB, reason), Estimate.alone(meanA / meanB, reason),
          OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty(),
          limits, ArmDifference.Verdict.NO_VERDICT);
    }
    boolean independent = own.size() == 1 || Seeds.independent(own.stream().map(RunResult::seeds).toList());
    Estimate difference = Estimate.mean(differences, "pairs");
    Estimate factor = Stream.of(ours, theirs).flatMapToDouble(Arrays::stream).allMatch(r -> r > 0)
        ? Estimate.mean(factors, "pairs").map(Math::exp)
        : Estimate.alone(meanA / meanB, "an arm stores no bits");
    if (!independent) {
      String reason = "two pairs share one of the seeds that vary, so they are not independent";
      difference = Estimate.alone(difference.value(), reason);
      factor = Estimate.alone(factor.value(), reason);
    }
    OptionalDouble pValue = OptionalDouble.empty();
    OptionalDouble detectable = OptionalDouble.empty();
    if (difference.hasInterval()) {
      TDistribution student = new TDistribution(null, own.size() - 1.0);
      double error = standardError(difference, own.size());
      pValue = OptionalDouble.of(2 * student.cumulativeProbability(-Math.abs(difference.value()) / error));
      detectable = OptionalDouble
          .of(error * (Estimate.quantile(own.size() - 1.0) + student.inverseCumulativeProbability(POWER)));
    }
    return new ArmDifference(setting.toString(), a.toString(), b.toString(), own.size(),
        Arrays.stream(ours).average().orElseThrow(), Arrays.stream(theirs).average().orElseThrow(),
        difference, factor, pValue, OptionalDouble.empty(), OptionalDouble.empty(), detectable, limits,
        ArmDifference.Verdict.NO_VERDICT);
  }

  private static double standardError(Estimate estimate, int pairs) {
    return estimate.halfWidth().orElseThrow() / Estimate.quantile(pairs - 1.0);
  }

  /** The greater p of two one-sided tests: that the difference is below the margin, and above its negative. */
  private static OptionalDouble equivalence(ArmDifference difference, OptionalDouble margin) {
    if (margin.isEmpty() || !difference.difference().hasInterval()) {
      return OptionalDouble.empty();
    }
    double error = standardError(difference.difference(), difference.pairs());
    double inside = margin.getAsDouble() - Math.abs(difference.difference().value());
    return OptionalDouble
        .of(new TDistribution(null, difference.pairs() - 1.0).cumulativeProbability(-inside / error));
  }

  private static List<OptionalDouble> corrected(List<OptionalDouble> values) {
    double[] present = values.stream()
        .filter(OptionalDouble::isPresent)
        .mapToDouble(OptionalDouble::getAsDouble)
        .toArray();
    double[] corrected = Holm.corrected(present);
    List<OptionalDouble> result = new ArrayList<>();
    int next = 0;
    for (OptionalDouble value : values) {
      result.add(value.isPresent() ? OptionalDouble.of(corrected[next++]) : value);
    }
    return result;
  }
}
