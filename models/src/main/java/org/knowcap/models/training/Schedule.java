package org.knowcap.models.training;

/**
 * Learning rate: linear warm-up from zero to the peak, then down to a fraction of it, reached at the last step (paper,
 * appendix A: a cosine down to a tenth). A tuning that follows begins at a peak of its own, without a warm-up, and goes
 * down in a straight line to zero at its last step (paper, appendix A.2).
 *
 * @param warmupSteps steps of the warm-up, at least 0 and below those before the tuning
 * @param steps all steps, the tuning included; at least one is not
 * @param peak largest learning rate, above 0
 * @param finalFraction learning rate at the last step over the peak, from 0 to 1; a constant one stays at the peak
 * @param shape of the curve between the peak and the end
 * @param tuningSteps the last steps, on other texts; 0 of most runs
 * @param tuningPeak largest learning rate of the tuning, above 0
 */
public record Schedule(long warmupSteps, long steps, double peak, double finalFraction,
    LearningRateShape shape, long tuningSteps, double tuningPeak) {
  public Schedule {
    require(steps >= 1, "steps must be at least 1", steps);
    require(tuningSteps >= 0 && tuningSteps < steps,
        "tuning must be at least 0 and shorter than the " + steps + " steps of the run", tuningSteps);
    require(warmupSteps >= 0 && warmupSteps < steps - tuningSteps,
        "warm-up must be at least 0 and shorter than the " + (steps - tuningSteps) + " steps of the "
            + (tuningSteps == 0 ? "run" : "first phase"),
        warmupSteps);
    require(tuningPeak > 0 && tuningPeak < Double.POSITIVE_INFINITY, "the learning rate must be above 0",
        tuningPeak);
    require(peak > 0 && peak < Double.POSITIVE_INFINITY, "the learning rate must be above 0", peak);
    require(finalFraction >= 0 && finalFraction <= 1, "the final fraction must be from 0 to 1",
        finalFraction);
  }

  /** Without tuning. */
  public Schedule(long warmupSteps, long steps, double peak, double finalFraction, LearningRateShape shape) {
    this(warmupSteps, steps, peak, finalFraction, shape, 0, peak);
  }

  private static void require(boolean holds, String rule, Number found) {
    if (!holds) {
      throw new IllegalArgumentException(rule + ", found " + found);
    }
  }

  /** Learning rate of a step, numbered from 1. */
  public double learningRate(long step) {
    if (step <= warmupSteps) {
      return peak * step / warmupSteps;
    }
    long before = steps - tuningSteps;
    if (step > before) {
      return tuningPeak * (steps - step) / tuningSteps;
    }
    double progress = (double) (step - warmupSteps) / (before - warmupSteps);
    return peak * (finalFraction + (1 - finalFraction) * shape.remaining(progress));
  }
}
