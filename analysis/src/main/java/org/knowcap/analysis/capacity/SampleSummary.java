package org.knowcap.analysis.capacity;

import org.apache.commons.math3.stat.StatUtils;

/**
 * Mean of a loss over people, and how far that mean may be from the mean over all people of the corpus and all the texts
 * that can tell of each.
 *
 * <p>The standard error covers two things: that {@code size} of {@code population} people were drawn, without
 * replacement, and that each of them was measured in one text of many. The first shrinks to zero when every
 * person was measured, the second does not. It says nothing of how another seed, of the corpus or of the
 * training, would have come out.
 *
 * @param size people measured
 * @param population people in the corpus
 * @param mean mean over the people measured, in the unit of the values
 * @param standardError sqrt(s^2 / size * (population - size) / population + w^2 / population): s^2 is the variance
 *        of the values, with Bessel's correction, and w^2 the variance between texts about one person. With the variance
 *        v^2 of people's means, s^2 = v^2 + w^2, and the error's square is v^2 / size * (1 - size / population) +
 *        w^2 / size: this sum, but for 1 in the denominator
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
   * Summary of one value a person, of people drawn without replacement from {@code population}, where another text about a
   * person would give the same value.
   *
   * @throws IllegalArgumentException as {@link #of(double[], double[], long)}
   */
  public static SampleSummary of(double[] values, long population) {
    return of(values, new double[0], population);
  }

  /**
   * Summary of one value a person, of people drawn without replacement from {@code population}.
   *
   * @param again values of the first of these people, in other texts: half the mean square of their differences is the
   *        variance between texts; none if all texts about a person give the same value
   * @throws IllegalArgumentException if a value is not finite, there are more values than people, or there
   *         are too few values (one, of several people) to say anything of the error
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

  /** Between texts about one person. */
  private static double variance(double[] values, double[] again) {
    double squares = 0;
    for (int i = 0; i < again.length; i++) {
      squares += Math.pow(values[i] - again[i], 2) / 2;
    }
    return again.length == 0 ? 0 : squares / again.length;
  }
}
