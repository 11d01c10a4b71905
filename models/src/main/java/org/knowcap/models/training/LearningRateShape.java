package org.knowcap.models.training;

/** The shape of the learning rate after the warm-up, from the peak down to its final fraction. */
public enum LearningRateShape {
  /** Half a cosine; the paper has this shape. */
  COSINE,
  /** A straight line. */
  LINEAR,
  /** The rate stays at its peak. */
  CONSTANT,
  /**
   * Warm-up, stable, decay (Hu et al., arXiv 2404.06395): the rate stays at the peak, and falls in a straight line
   * over the last tenth of the steps.
   */
  WSD;

  private static final double LAST_PART = 0.1;

  /**
   * Share of the fall from the peak to the final learning rate that is still to come.
   *
   * @param progress share of the steps after the warm-up, 0 to 1
   * @return 1 at the peak, 0 at the end
   */
  double remaining(double progress) {
    return switch (this) {
      case COSINE -> (1 + Math.cos(Math.PI * progress)) / 2;
      case LINEAR -> 1 - progress;
      case CONSTANT -> 1;
      case WSD -> Math.min(1, (1 - progress) / LAST_PART);
    };
  }
}
