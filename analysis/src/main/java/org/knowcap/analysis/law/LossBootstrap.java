package org.knowcap.analysis.law;

import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;

/**
 * Refits of a law of losses to cells drawn with replacement: what follows from the law has percentiles of them as its interval.
 *
 * @param fitted the law of all points
 * @param fits of the samples; empty if too many samples could not be fitted
 * @param method how intervals are made, or why there are none
 */
public record LossBootstrap(LossLaw fitted, List<LossLaw> fits, String method) {
  /** Parameters with intervals, in the order of {@link LossLaw#NAMES}. */
  public List<Estimate> parameters() {
    return IntStream.range(0, LossLaw.NAMES.size()).mapToObj(i -> estimate(law -> law.values()[i])).toList();
  }

  /** A figure of the law with its interval. */
  public Estimate estimate(ToDoubleFunction<LossLaw> figure) {
    double value = figure.applyAsDouble(fitted);
    if (fits.isEmpty()) {
      return Estimate.alone(value, method);
    }
    double tail = 100 * (1 - Estimate.CONFIDENCE) / 2;
    Percentile percentile = new Percentile();
    percentile.setData(fits.stream().mapToDouble(figure).toArray());
    return Estimate.within(value, percentile.evaluate(tail), percentile.evaluate(100 - tail), method);
  }
}
