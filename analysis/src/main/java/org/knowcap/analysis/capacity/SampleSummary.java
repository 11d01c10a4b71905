package org.knowcap.analysis.capacity;

import org.apache.commons.math3.stat.StatUtils;

/**
 * Mean of a loss over people, and its standard error as an estimate of the mean over all people of the corpus and
 * all possible texts about each of them.
 *
 * <p>The standard error covers two things: that {@code size} of {@code population} people were drawn, without
 * replacement, and that each of them was measured in one text of many. The first shrinks to zero when every person
 * was measured, the second does not. The standard error does not cover the differences that another seed of the
 * corpus or of the training would make.
 *
 * @param size people measured
 * @param population people in the corpus
 * @param mean mean over the people measured, in the unit of the values
 * @param standardError sqrt(s^2 / size * (population - size) / population + w^2 / population): s^2 is the variance
 *        of the values, with Bessel's correction, and w^2 the variance between texts about one person. With the
 *        variance v^2 of people's means, s^2 = v^2 + w^2, and the error's square is v^2 / size * (1 - size /
 *        population) + w^2 / size: this sum, but for 1 in the denominator
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
   * Summary of one value for each person, for people drawn without replacement from {@code population}, if every
   * text about a person gives an equal value.
   *
   * @throws IllegalArgumentException as {@link #of(double[], double[], long)}
   */
  public static SampleSummary of(double[] values, long population) {
    return of(values, new double[0], population);
  }

  /**
   * Summary of one value for each person, for people drawn without replacement from {@code population}.
   *
   * @param again values of the first of these people in other texts; half the mean square of the differences is the
   *        variance between texts. It is empty if all texts about a person give equal values
   * @throws IllegalArgumentException if a value is not finite, there are more values than people, or there
   *         are too few values (one, of several people) to estimate the error
   */
  public static SampleSummary of(double[] values, double[] again, long population) {
    if (again.length > values.length) {
      throw new IllegalArgumentException(
          again.length + " people measured again, of " + values.length + " who were measured");
    }
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
    double unmeasured = values.length == population ? 0 : (double) (population - values.length) / population;
    double people = unmeasured == 0 ? 0 : StatUtils.variance(values, mean) / values.length * unmeasured;
    double texts = variance(values, again) / population;
    return new SampleSummary(values.length, population, mean, Math.sqrt(people + texts));
  }

  /** Variance of the value between texts about one person. */
  private static double variance(double[] values, double[] again) {
    double squares = 0;
    for (int i = 0; i < again.length; i++) {
      squares += Math.pow(values[i] - again[i], 2) / 2;
    }
    return again.length == 0 ? 0 : squares / again.length;
  }
}
