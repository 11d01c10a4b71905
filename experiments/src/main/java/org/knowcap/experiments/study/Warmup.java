package org.knowcap.experiments.study;

/** How long the learning rate rises until it is at its peak. */
public sealed interface Warmup {
  /** A number of steps, whatever the length of the run. */
  record Steps(long steps) implements Warmup {}

  /**
   * A part of the run, rounded to whole steps.
   *
   * @param fraction from 0 to below 1
   */
  record Fraction(double fraction) implements Warmup {
    public Fraction {
      if (!(fraction >= 0 && fraction < 1)) {
        throw new IllegalArgumentException("it must be at least 0 and below 1, found " + fraction);
      }
    }
  }

  /**
   * Steps of the warm-up; those of {@link Steps} may be more than the run has.
   *
   * @param runSteps all steps of the run, at least 1
   */
  default long steps(long runSteps) {
    return switch (this) {
      case Steps(long steps) -> steps;
      case Fraction(double fraction) -> Math.min(runSteps - 1, Math.round(fraction * runSteps));
    };
  }
}
