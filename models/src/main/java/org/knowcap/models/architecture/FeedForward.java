package org.knowcap.models.architecture;

import java.util.Optional;

/**
 * The feed-forward of a block. Its inner width follows from its size, so the standard and the gated form of a model
 * have equal numbers of parameters (paper, figure 5).
 *
 * @param factor parameters of its matrices in units of d^2, above 0: 8 for GPT2 and LLaMA, 10.5 for Mistral, 2 for
 *     GPT2 with a quarter of the feed-forward
 * @param experts where there is a mixture of such feed-forwards instead of one
 */
public record FeedForward(Form form, Activation activation, double factor, Optional<Experts> experts) {
  /** The form of a feed-forward: how its matrices work together. */
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
    if (form == Form.NONE && experts.isPresent()) {
      throw new IllegalArgumentException("a mixture of experts needs a feed-forward, standard or gated");
    }
  }

  public FeedForward with(Form other) {
    return new FeedForward(other, activation, factor, experts);
  }

  public FeedForward with(Activation other) {
    return new FeedForward(form, other, factor, experts);
  }

  public FeedForward with(Experts other) {
    return new FeedForward(form, activation, factor, Optional.of(other));
  }

  /** Number of matrices of shape [d, inner width] or [inner width, d]. */
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

  /** This feed-forward without experts. */
  FeedForward dense() {
    return new FeedForward(form, activation, factor, Optional.empty());
  }

  /** Whether a block, numbered from 0, has a mixture of experts. */
  public boolean mixed(int block) {
    return experts.isPresent() && (block + 1) % experts.get().every() == 0;
  }

  /** Number of parameters of one feed-forward whose inner width is {@code times} this one. */
  long parameters(int d, boolean biases, int times) {
    long inner = (long) times * innerWidth(d);
    long outputs = switch (form) {
      case NONE -> 0;
      case STANDARD -> inner + d;
      case GATED -> 2 * inner + d;
    };
    return matrices() * d * inner + (biases && times > 0 ? outputs : 0);
  }
}
