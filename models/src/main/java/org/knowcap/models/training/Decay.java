package org.knowcap.models.training;

/** How a learning rate comes down from its peak after the warm-up. */
public enum Decay {
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
   * What is left of the way from the peak down to the end.
   *
   * @param progress share of the steps after the warm-up, 0 to 1
   * @return 1 at the peak, 0 at the end
   */
  double left(double progress) {
    return switch (this) {
      case COSINE -> (1 + Math.cos(Math.PI * progress)) / 2;
      case LINEAR -> 1 - progress;
      case CONSTANT -> 1;
      case WSD -> Math.min(1, (1 - progress) / LAST_PART);
    };
  }
}
