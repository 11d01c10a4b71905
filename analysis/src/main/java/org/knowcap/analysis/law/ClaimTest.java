package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.stat.StatUtils;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.Seeds;

/**
 * Student's t-tests of one judgement, one for the claim and one against it: that the quantity's true value is beyond the border
 * of what agrees.
 *
 * @param quantity of what, with the arm that was chosen where there were several
 * @param figure the estimate with its interval
 * @param seeds or pairs
 * @param doubts about the design: with any, there is no verdict
 * @param support p of the claim; absent without a test
 * @param contradiction p against it
 */
record ClaimTest(String quantity, Optional<Estimate> figure, int seeds, List<Doubt> doubts,
    OptionalDouble support, OptionalDouble contradiction) {
  /** Seeds that a verdict needs. */
  static final int LEAST_SEEDS = 3;
  /** Of figures that would be equal but for the order of additions. */
  private static final double ROUNDING = 1e-9;

  /** Tests a judgement on these arms. */
  static ClaimTest of(Judgement judgement, Map<String, Arm> arms) {
    List<Arm> named = judgement.quantity().arms().stream().map(arms::get).toList();
    List<Doubt> without = named.stream()
        .filter(arm -> arm.runs().isEmpty())
        .map(arm -> arm.diverged() ? Doubt.DIVERGED : Doubt.NOT_RUN)
        .toList();
    if (!without.isEmpty()) {
      return new ClaimTest(judgement.quantity().toString(), Optional.empty(), 0, without,
          OptionalDouble.empty(), OptionalDouble.empty());
    }
    return switch (judgement.quantity()) {
      case Quantity.Ratio ratio -> single(judgement, ratio, named.getFirst(), RunResult::capacityRatio);
      case Quantity.Stored stored -> single(judgement, stored, named.getFirst(), RunResult::saturation);
      case Quantity.Greatest _ -> {
        Arm most = most(named);
        yield single(judgement, new Quantity.Ratio(most.name()), most, RunResult::capacityRatio);
      }
      case Quantity.Factor factor -> factor(judgement, factor, named.getFirst(), named.getLast());
    };
  }

  /** By the choosing seed alone, which is not measured: the greatest of several noisy numbers is too great. */
  private static Arm most(List<Arm> arms) {
    List<Arm> free = arms.stream().filter(arm -> !arm.cell().nearlyFull()).toList();
    return (free.isEmpty() ? arms : free).stream()
        .max(Comparator.comparingDouble(
            arm -> arm.best().map(Arm.TriedRate::capacityRatio).orElse(Double.NEGATIVE_INFINITY)))
        .orElseThrow();
  }

  private static ClaimTest single(Judgement judgement, Quantity quantity, Arm arm,
      Function<RunResult, Double> number) {
    List<RunResult> runs = arm.cell().runs();
    double[] values = runs.stream().mapToDouble(number::apply).toArray();
    List<Doubt> doubts = doubts(judgement, List.of(arm), runs);
    ClaimTest test = tested(judgement, quantity.toString(), Optional.of(Estimate.mean(values, "seeds")),
        values.length, doubts, border -> Arrays.stream(values).map(value -> value - border).toArray());
    return test.withoutWhatTrainingWouldChange(judgement, StatUtils.mean(values), arm.cell().limit());
  }

  /**
   * More training stores more. So a level that an arm reached while it was learning shows that it can store this much, and not
   * that it cannot store more.
   */
  private ClaimTest withoutWhatTrainingWouldChange(Judgement judgement, double level, Limit limit) {
    if (limit != Limit.LEARNING && limit != Limit.UNDECIDED || level > judgement.high()
        || level >= judgement.low() && judgement.direction() == Judgement.Direction.AT_LEAST) {
      return this;
    }
    List<Doubt> more = new ArrayList<>(doubts);
    more.add(limit == Limit.LEARNING ? Doubt.NOT_SATURATED : Doubt.LIMIT_UNKNOWN);
    return new ClaimTest(quantity, figure, seeds, more, support, contradiction);
  }

  private static ClaimTest factor(Judgement judgement, Quantity.Factor quantity, Arm first, Arm second) {
    Map<Seeds, RunResult> others = second.runs()
        .stream()
        .collect(Collectors.toMap(RunResult::seeds, Function.identity(), (a, _) -> a, LinkedHashMap::new));
    List<RunResult> own = first.cell()
        .runs()
        .stream()
        .filter(run -> others.containsKey(run.seeds()))
        .toList();
    double[] a = own.stream().mapToDouble(RunResult::capacityRatio).toArray();
    double[] b = own.stream().mapToDouble(run -> others.get(run.seeds()).capacityRatio()).toArray();
    List<Doubt> doubts = doubts(judgement, List.of(first, second), own);
    boolean positive = Arrays.stream(a).allMatch(ratio -> ratio > 0)
        && Arrays.stream(b).allMatch(ratio -> ratio > 0);
    double[] logarithms = new double[a.length];
    Arrays.setAll(logarithms, i -> Math.log(a[i] / b[i]));
    Optional<Estimate> figure = positive && a.length > 0
        ? Optional.of(Estimate.mean(logarithms, "pairs", 1).map(Math::exp))
        : Optional.empty();
    // Where a run stores no bits there is no logarithm; a / b > f is then tested as a - f b > 0.
    return tested(judgement, quantity.toString(), figure, a.length, doubts, border -> {
      double[] beyond = new double[a.length];
      Arrays.setAll(beyond, i -> positive ? logarithms[i] - Math.log(border) : a[i] - border * b[i]);
      return beyond;
    });
  }

  /** @param beyond by how much each seed's value is above a border, in units in which Student's t is computed */
  private static ClaimTest tested(Judgement judgement, String quantity, Optional<Estimate> figure, int seeds,
      List<Doubt> doubts, DoubleFunction<double[]> beyond) {
    List<Doubt> all = new ArrayList<>(doubts);
    if (seeds < LEAST_SEEDS) {
      all.add(Doubt.TOO_FEW_SEEDS);
      return new ClaimTest(quantity, figure, seeds, all, OptionalDouble.empty(), OptionalDouble.empty());
    }
    double low = judgement.low();
    double high = judgement.high();
    double[] some = beyond.apply(Double.isInfinite(low) ? high : low);
    double size = Arrays.stream(some).map(Math::abs).max().orElseThrow();
    if (!(Math.sqrt(StatUtils.variance(some)) > ROUNDING * Math.max(1e-3, size))) {
      all.add(Doubt.NO_VARIANCE);
      return new ClaimTest(quantity, figure, seeds, all, OptionalDouble.empty(), OptionalDouble.empty());
    }
    double above = Double.isInfinite(low) ? 0 : tail(beyond.apply(low), 1);
    double below = Double.isInfinite(high) ? 0 : tail(beyond.apply(high), -1);
    double tooLow = Double.isInfinite(low) ? 1 : 1 - above;
    double tooHigh = Double.isInfinite(high) ? 1 : 1 - below;
    return new ClaimTest(quantity, figure, seeds, all, OptionalDouble.of(Math.max(above, below)),
        OptionalDouble.of(Math.min(tooLow, tooHigh)));
  }

  /** One-sided p that the mean of these is above 0 (sign 1) or below (sign -1). */
  private static double tail(double[] values, int sign) {
    double error = Math.sqrt(StatUtils.variance(values) / values.length);
    return new TDistribution(null, values.length - 1.0)
        .cumulativeProbability(-sign * StatUtils.mean(values) / error);
  }

  /** @param runs that are measured, or the first of each pair */
  private static List<Doubt> doubts(Judgement judgement, List<Arm> arms, List<RunResult> runs) {
    List<Doubt> doubts = new ArrayList<>();
    List<Seeds> seeds = runs.stream().map(RunResult::seeds).toList();
    if (seeds.size() > 1 && !Seeds.independent(seeds)) {
      doubts.add(Doubt.SEEDS_NOT_INDEPENDENT);
    }
    for (Arm arm : arms) {
      if (arm.rates().size() < 2) {
        doubts.add(Doubt.ONE_LEARNING_RATE);
      } else if (arm.rateAtEnd()) {
        doubts.add(Doubt.RATE_AT_END);
      }
      Limit limit = arm.cell().limit();
      if (arm.cell().nearlyFull() && !judgement.accepted().contains(Limit.CORPUS)) {
        doubts.add(Doubt.CORPUS_LIMITED);
      } else if (limit == Limit.LEARNING && !judgement.accepted().contains(limit)) {
        doubts.add(Doubt.NOT_SATURATED);
      } else if (limit == Limit.UNDECIDED && !judgement.accepted().contains(limit)) {
        doubts.add(Doubt.LIMIT_UNKNOWN);
      }
    }
    return doubts;
  }
}
