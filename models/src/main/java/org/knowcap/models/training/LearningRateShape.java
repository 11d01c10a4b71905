package org.knowcap.models.training;

/** The shape of the learning rate after the warm-up, from the peak down to its final fraction. */
public enum LearningRateShape {
  /** Half a cosine: the paper's. */
  COSINE,
  /** A straight line. */
  LINEAR,
  /** Not at all. */
  CONSTANT,
  /** Warm-up, stable, decay (Hu et al., arXiv 2404.06395): at the peak, then a straight line over the last tenth. */
  WSD;

  private static final double LAST_PART = 0.1;

  /**
   * Share of the way from the peak to the final learning rate that is still to go.
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
