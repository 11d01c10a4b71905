package org.knowcap.analysis.chart;

import java.util.DoubleSummaryStatistics;
import java.util.Set;
import java.util.stream.DoubleStream;

/** The ends of a log axis, both above zero. */
record LogRange(double low, double high) {
  /**
   * Room beyond the outermost values, as a part of the decades they span: names of lines need it at the upper
   * end.
   */
  private static final double LOWER_MARGIN = 0.06;
  private static final double UPPER_MARGIN = 0.18;
  /** The least room below the lowest value and above the highest, as a factor. */
  private static final double LEAST_MARGIN = 1.4;
  /** The least ratio of the ends, so that even a single size of model gets an axis with ticks. */
  private static final double LEAST_SPAN = 10;

  /** A range in which all these values lie clear of the ends. */
  static LogRange around(DoubleStream values) {
    DoubleSummaryStatistics statistics = values.summaryStatistics();
    double span = statistics.getMax() / statistics.getMin();
    double low = statistics.getMin() / Math.max(LEAST_MARGIN, Math.pow(span, LOWER_MARGIN));
    double high = statistics.getMax() * Math.max(LEAST_MARGIN, Math.pow(span, UPPER_MARGIN));
    double widening = Math.sqrt(Math.max(1, LEAST_SPAN * low / high));
    return new LogRange(low / widening, high * widening);
  }

  /** The number, or the end of the axis beyond which it lies. */
  double clamped(double value) {
    return Math.clamp(value, low, high);
  }

  LogRange including(double value) {
    return new LogRange(Math.min(low, value), Math.max(high, value));
  }

  /** Leading digits whose ticks get a label: the fewer, the more decades the axis has. */
  Set<Integer> labelledDigits() {
    double decades = Math.log10(high / low);
    return decades < 3.5 ? Set.of(1, 2, 5) : Set.of(1);
  }

  static boolean labelled(double tick, Set<Integer> digits) {
    double leading = tick / Math.pow(10, Math.floor(Math.log10(tick) + 1e-9));
    return digits.contains((int) Math.round(leading));
  }
}
