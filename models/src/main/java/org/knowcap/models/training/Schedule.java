package org.knowcap.models.training;

/**
 * Learning rate: linear warm-up from zero to the peak, then down to a fraction of it, reached at the last step (paper,
 * appendix A: a cosine down to a tenth).
 *
 * @param warmupSteps steps of the warm-up, at least 0 and below {@code steps}
 * @param steps all steps, at least 1
 * @param peak largest learning rate, above 0
 * @param finalFraction learning rate at the last step over the peak, from 0 to 1; a constant one stays at the peak
 * @param shape of the curve between the peak and the end
 */
public record Schedule(long warmupSteps, long steps, double peak, double finalFraction,
    LearningRateShape shape) {
  public Schedule {
    require(steps >= 1, "steps must be at least 1", steps);
    require(warmupSteps >= 0 && warmupSteps < steps,
        "warm-up must be at least 0 and shorter than the " + steps + " steps of the run", warmupSteps);
    require(peak > 0 && peak < Double.POSITIVE_INFINITY, "the learning rate must be above 0", peak);
    require(finalFraction >= 0 && finalFraction <= 1, "the final fraction must be from 0 to 1",
        finalFraction);
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
    double progress = (double) (step - warmupSteps) / (steps - warmupSteps);
    return peak * (finalFraction + (1 - finalFraction) * shape.remaining(progress));
  }
}
