package org.knowcap.analysis.law;

import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.function.DoubleUnaryOperator;
import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.stat.descriptive.SummaryStatistics;
import org.knowcap.analysis.units.Units;

/**
 * An estimated number with its 95 % confidence interval.
 *
 * @param value the estimate
 * @param low lower end of the interval; absent where there is none
 * @param high upper end
 * @param method how the interval was found, or why there is none
 */
public record Estimate(double value, OptionalDouble low, OptionalDouble high, String method) {
  /** The confidence of every interval of this package. */
  public static final double CONFIDENCE = 0.95;
  /** Relative difference of figures that differ only because numbers were added in another order. */
  private static final double ROUNDING = 1e-9;

  /** An estimate without an interval. */
  static Estimate alone(double value, String reason) {
    return new Estimate(value, OptionalDouble.empty(), OptionalDouble.empty(), "no interval: " + reason);
  }

  static Estimate within(double value, double low, double high, String method) {
    return new Estimate(value, OptionalDouble.of(low), OptionalDouble.of(high), method);
  }

  /** Value plus and minus Student's quantile times the standard error. */
  static Estimate student(double value, double standardError, double degrees, String method) {
    double half = quantile(degrees) * standardError;
    return within(value, value - half, value + half, method);
  }

  /**
   * Mean over independent values, by Student's t.
   *
   * @param unit that varies, such as "seeds"
   */
  static Estimate mean(double[] values, String unit) {
    return mean(values, unit, Arrays.stream(values).map(Math::abs).max().orElseThrow());
  }

  /**
   * Mean over independent values that are differences of numbers of this size; a variance below the rounding of
   * those numbers counts as none.
   */
  static Estimate mean(double[] values, String unit, double size) {
    SummaryStatistics statistics = new SummaryStatistics();
    for (double value : values) {
      statistics.addValue(value);
    }
    if (values.length < 2) {
      return alone(statistics.getMean(), "one run says nothing of how " + unit + " vary");
    }
    if (!(statistics.getStandardDeviation() > ROUNDING * size)) {
      return alone(statistics.getMean(),
          "no variance over " + values.length + " " + unit + ", so no verdict");
    }
    return student(statistics.getMean(), statistics.getStandardDeviation() / Math.sqrt(values.length),
        values.length - 1, "Student's t over " + values.length + " " + unit);
  }

  /** The quantile of Student's t that leaves 2.5 % above it. */
  public static double quantile(double degrees) {
    return new TDistribution(null, degrees).inverseCumulativeProbability((1 + CONFIDENCE) / 2);
  }

  /** The estimate of an increasing function of the number, with its interval. */
  Estimate map(DoubleUnaryOperator increasing) {
    return new Estimate(increasing.applyAsDouble(value), applied(increasing, low), applied(increasing, high),
        method);
  }

  private static OptionalDouble applied(DoubleUnaryOperator function, OptionalDouble number) {
    return number.isPresent() ? OptionalDouble.of(function.applyAsDouble(number.getAsDouble())) : number;
  }

  /** Whether there is an interval. */
  public boolean hasInterval() {
    return low.isPresent() && high.isPresent();
  }

  /** Half of the interval's width. */
  public OptionalDouble halfWidth() {
    return hasInterval()
        ? OptionalDouble.of((high.getAsDouble() - low.getAsDouble()) / 2)
        : OptionalDouble.empty();
  }

  /** The standard error: half of the interval's width, divided by Student's quantile. */
  double standardError(double degrees) {
    return halfWidth().orElseThrow() / quantile(degrees);
  }

  /** The estimate in words: "1.93 (95 %: 1.88 to 1.98)", or "1.93 (no interval: ...)". */
  @Override
  public String toString() {
    return Units.ratio(value) + (hasInterval()
        ? " (95 %: " + Units.ratio(low.getAsDouble()) + " to " + Units.ratio(high.getAsDouble()) + ")"
        : " (" + method + ")");
  }
}
