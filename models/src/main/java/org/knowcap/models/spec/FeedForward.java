package org.knowcap.models.spec;

/**
 * The feed-forward of a block. Its inner width follows from its size, so that the standard and the gated form of a model
 * have as many parameters as each other (paper, figure 5).
 *
 * @param factor parameters of its matrices in units of d^2, above 0: 8 for GPT2 and LLaMA, 10.5 for Mistral, 2 for
 *     GPT2 with a quarter of the feed-forward
 */
public record FeedForward(Form form, Activation activation, double factor) {
  /** How its matrices work together. */
  public enum Form {
    /** There is none. */
    NONE,
    /** activation(x A) B. */
    STANDARD,
    /** (activation(x A) * x B) C. */
    GATED
  }

  public FeedForward {
    if (!(factor > 0) || Double.isInfinite(factor)) {
      throw new IllegalArgumentException("the feed-forward's size must be a number above 0, found " + factor);
    }
  }

  public FeedForward with(Form other) {
    return new FeedForward(other, activation, factor);
  }

  public FeedForward with(Activation other) {
    return new FeedForward(form, other, factor);
  }

  /** Matrices of d times the inner width, or the other way round. */
  public int matrices() {
    return switch (form) {
      case NONE -> 0;
      case STANDARD -> 2;
      case GATED -> 3;
    };
  }

  /**
   * The inner width: factor * d / matrices where that is an integer, otherwise the even number nearest to it. The paper
   * does not say how it rounds 8d / 3.
   */
  public int innerWidth(int d) {
    if (form == Form.NONE) {
      return 0;
    }
    double exact = factor * d / matrices();
    return exact == Math.rint(exact) ? (int) exact : Math.max(2, 2 * (int) Math.rint(exact / 2));
  }
}
