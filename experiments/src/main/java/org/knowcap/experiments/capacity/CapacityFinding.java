package org.knowcap.experiments.capacity;

import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.apache.commons.math3.stat.StatUtils;
import org.knowcap.analysis.law.Estimate;

/**
 * The result of a search: R, or alpha of random strings, at the corpus size where it is largest among the sizes that were
 * tried.
 *
 * @param people N at the peak; of random strings M
 * @param learningRate that was chosen
 * @param seeds number of seeds that R was measured with, at least 2; the seed that chose rate and size is not one of
 *        them
 * @param capacityRatio mean R of these seeds, bits per parameter; of random strings mean alpha
 * @param interval half of the 95 % confidence interval of the mean R at this size, by Student's t
 * @param deviation standard deviation of R over the first seeds
 * @param deviationSeeds number of these first seeds: all seeds, unless their deviation decided how many more were
 *        measured (Stein's two stages)
 * @param smaller the next smaller corpus, and R there; empty if it is not measured
 * @param larger the next larger one
 * @param rates learning rates that were tried, ascending
 */
public record CapacityFinding(long people, double learningRate, int seeds, double capacityRatio,
    double interval, double deviation, int deviationSeeds, List<Neighbour> smaller, List<Neighbour> larger,
    List<TriedRate> rates) {
  /**
   * A size next to the peak.
   *
   * @param people N
   * @param capacityRatio mean R over the seeds that did not choose, if there are at least two; otherwise R of the
   *        seed that chose
   */
  public record Neighbour(long people, double capacityRatio) {}

  /**
   * A learning rate.
   *
   * @param learningRate at its peak
   * @param capacityRatio R of the seed that chose; absent if the rate has lost, because a run diverged with it or with a
   *        lower one
   */
  public record TriedRate(double learningRate, OptionalDouble capacityRatio) {
    @Override
    public String toString() {
      return learningRate + ": "
          + (capacityRatio.isPresent()
              ? String.format(Locale.ROOT, "%.3f", capacityRatio.getAsDouble())
              : "lost, training diverged");
    }
  }

  static CapacityFinding of(long people, double learningRate, double[] ratios, int deviationSeeds,
      List<Neighbour> smaller, List<Neighbour> larger, List<TriedRate> rates) {
    double deviation = Math.sqrt(StatUtils.variance(ratios, 0, deviationSeeds));
    return new CapacityFinding(people, learningRate, ratios.length, StatUtils.mean(ratios),
        Estimate.quantile(deviationSeeds - 1) * deviation / Math.sqrt(ratios.length), deviation,
        deviationSeeds, smaller, larger, rates);
  }

  /** The number of seeds that an interval of this half width needs, by the deviation of the first seeds. */
  public long seedsFor(double halfWidth) {
    return (long) Math.ceil(Math.pow(Estimate.quantile(deviationSeeds - 1) * deviation / halfWidth, 2));
  }

  /** Whether a smaller and a larger corpus were measured, so that the peak lies between them. */
  public boolean bracketed() {
    return !smaller.isEmpty() && !larger.isEmpty();
  }

  /** The result in one sentence, without the model and the exposures. */
  public String sentence(SizedCorpus.Letters letters) {
    return String.format(Locale.ROOT,
        "%s = %.3f +- %.3f bits per parameter (95 %%, %d seeds) at %s = %,d; %s; %s", letters.measure(),
        capacityRatio, interval, seeds, letters.size(), people, bracket(letters),
        "learning rate " + learningRate + " ("
            + rates.stream()
                .filter(each -> each.learningRate != learningRate)
                .map(TriedRate::toString)
                .collect(Collectors.joining(", "))
            + ")" + end());
  }

  private String end() {
    boolean least = learningRate == rates.getFirst().learningRate;
    return least || learningRate == rates.getLast().learningRate
        ? ", the " + (least ? "least" : "largest") + " that is tried: another may be better"
        : "";
  }

  private String bracket(SizedCorpus.Letters letters) {
    return bracketed()
        ? String.format(Locale.ROOT, "the peak is bracketed: %.3f at %s = %,d and %.3f at %s = %,d",
            smaller.getFirst().capacityRatio, letters.size(), smaller.getFirst().people,
            larger.getFirst().capacityRatio, letters.size(), larger.getFirst().people)
            + (Math.max(smaller.getFirst().capacityRatio, larger.getFirst().capacityRatio) > capacityRatio
                ? " (more, by less than the standard error)"
                : "")
        : "the peak is not bracketed: " + (smaller.isEmpty() ? "no smaller" : "no larger")
            + " corpus was measured, so " + letters.measure() + " may be larger elsewhere";
  }
}
