package org.knowcap.analysis.capacity;

import org.apache.commons.math3.stat.StatUtils;

/**
 * Mean of a loss over people, and how far that mean may be from the mean over all people of the corpus.
 *
 * <p>The standard error covers one thing only: that {@code size} of {@code population} people were drawn,
 * without replacement. So it shrinks to zero when every person was measured: the mean is then exact for this
 * corpus and these weights. It says nothing of how another seed, of the corpus or of the training, would have
 * come out.
 *
 * @param size people measured
 * @param population people in the corpus
 * @param mean mean over the people measured, in the unit of the values
 * @param standardError s / sqrt(size) * sqrt((population - size) / (population - 1)), s with Bessel's
 *        correction
 */
public record SampleSummary(long size, long population, double mean, double standardError) {

  public SampleSummary {
    if (size < 1 || size > population) {
      throw new IllegalArgumentException(
          "size is " + size + "; it must lie between 1 and the population, " + population);
    }
    if (!Double.isFinite(mean)) {
      throw new IllegalArgumentException("mean is " + mean + "; it must be finite");
    }
    if (!Double.isFinite(standardError) || standardError < 0) {
      throw new IllegalArgumentException(
          "standardError is " + standardError + "; it must be finite and >= 0");
    }
  }

  /**
   * Summary of one value a person, of people drawn without replacement from {@code population}.
   *
   * @throws IllegalArgumentException if a value is not finite, there are more values than people, or there
   *         are too few values (one, of several people) to say anything of the error
   */
  public static SampleSummary of(double[] values, long population) {
    if (values.length < 1 || values.length > population) {
      throw new IllegalArgumentException(values.length + " values for a population of " + population
          + "; there must be at least one, and no more than the population");
    }
    if (values.length == 1 && population > 1) {
      throw new IllegalArgumentException(
          "1 value for a population of " + population + "; a standard error needs at least 2");
    }
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        throw new IllegalArgumentException("value " + i + " is " + values[i] + "; it must be finite");
      }
    }
    double mean = StatUtils.mean(values);
    if (values.length == population) {
      return new SampleSummary(values.length, population, mean, 0);
    }
    double unmeasured = (double) (population - values.length) / (population - 1);
    double standardError = Math.sqrt(StatUtils.variance(values, mean) / values.length * unmeasured);
    return new SampleSummary(values.length, population, mean, standardError);
  }
}
