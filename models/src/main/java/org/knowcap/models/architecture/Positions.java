package org.knowcap.models.architecture;

import java.util.Optional;

/**
 * How a model knows the positions of its tokens. All but {@link Learned} act within attention, on the distance of
 * two tokens, and have no parameters.
 */
public sealed interface Positions permits Rotary, Positions.Ntk, Positions.Rerope, Positions.LeakyRerope,
    Positions.Alibi, Positions.Learned, Positions.None {
  /** The name in a study, such as "rotary". */
  String kind();

  /** The rotation that these positions are based on, if any. */
  default Optional<Rotary> rotary() {
    return Optional.empty();
  }

  /**
   * Checks that heads of a width can have them.
   *
   * @throws IllegalArgumentException where they cannot
   */
  default void checkHead(int headWidth) {
    rotary().ifPresent(rotary -> rotary.width(headWidth));
  }

  /**
   * Checks that windows of this number of tokens can have them.
   *
   * @throws IllegalArgumentException where they cannot
   */
  default void checkWindow(int tokens) {}

  /**
   * NTK-aware scaling (bloc97 2023): rotary positions of another base, base' = base * s^(w / (w - 2)) with w the
   * rotated width. The slowest angle becomes s times slower and the fastest stays, so that a model made for windows
   * of T tokens meets no new angles in windows of s T.
   *
   * @param plain the rotation that is scaled
   * @param scale s, at least 1
   */
  record Ntk(Rotary plain, double scale) implements Positions {
    public Ntk {
      if (!(scale >= 1) || Double.isInfinite(scale)) {
        throw new IllegalArgumentException(
            "the scale of NTK-aware positions must be at least 1, found " + scale);
      }
    }

    @Override
    public String kind() {
      return "ntk";
    }

    @Override
    public Optional<Rotary> rotary() {
      return Optional.of(plain);
    }

    @Override
    public void checkHead(int headWidth) {
      if (plain.width(headWidth) < 4) {
        throw new IllegalArgumentException("NTK-aware positions must rotate at least 4 components, found "
            + plain.width(headWidth) + " of " + headWidth);
      }
    }

    /** The rotary positions of base'. */
    public Rotary scaled(int headWidth) {
      double width = plain.width(headWidth);
      return new Rotary(plain.fraction(), plain.base() * Math.pow(scale, width / (width - 2)));
    }
  }

  /**
   * ReRoPE (Su 2023, github.com/bojone/rerope): rotary positions whose distances are cut off. A key that is t tokens
   * before its query is scored as if it were min(t, w) tokens before it.
   *
   * @param plain the rotation whose distances are cut off
   * @param window w, tokens, at least 1
   */
  record Rerope(Rotary plain, int window) implements Positions {
    public Rerope {
      requireWindow(window);
    }

    @Override
    public String kind() {
      return "rerope";
    }

    @Override
    public Optional<Rotary> rotary() {
      return Optional.of(plain);
    }
  }

  /**
   * Leaky ReRoPE (Su 2023, as {@link Rerope}): beyond w, distances go on k times slower. A key that is t tokens
   * before its query is scored as if it were t tokens before it for t up to w, and w + (t - w) / k tokens for larger
   * t. k = 1 is rotary; with growing k it becomes ReRoPE.
   *
   * @param window w, tokens, at least 1
   * @param slowness k, at least 1
   */
  record LeakyRerope(Rotary plain, int window, double slowness) implements Positions {
    public LeakyRerope {
      requireWindow(window);
      if (!(slowness >= 1) || Double.isInfinite(slowness)) {
        throw new IllegalArgumentException(
            "the slowness of Leaky ReRoPE must be at least 1, found " + slowness);
      }
    }

    @Override
    public String kind() {
      return "leaky-rerope";
    }

    @Override
    public Optional<Rotary> rotary() {
      return Optional.of(plain);
    }
  }

  private static void requireWindow(int window) {
    if (window < 1) {
      throw new IllegalArgumentException("the window of ReRoPE must be at least 1, found " + window);
    }
  }

  /**
   * ALiBi (Press et al. 2021, arXiv 2108.12409): nothing is rotated. A head subtracts slope * t from the score of a
   * key that is t tokens before its query, after the division by sqrt(head width).
   */
  record Alibi() implements Positions {
    @Override
    public String kind() {
      return "alibi";
    }

    /**
     * The slope of a head. If h is a power of two, the slopes are 2^(-8/h), 2^(-16/h) and so on to 2^-8. Otherwise,
     * as in the authors' code, let p be the greatest power of two below h: the first p heads have the slopes of p
     * heads, and the others have every second slope of 2p heads.
     *
     * @param head from 0
     * @param heads h, heads of queries
     */
    public static double slope(int head, int heads) {
      int power = Integer.highestOneBit(heads);
      return head < power
          ? Math.pow(2, -8.0 * (head + 1) / power)
          : Math.pow(2, -4.0 * (2 * (head - power) + 1) / power);
    }
  }

  /**
   * A trained vector for each position in a window, added to the embedding (GPT-2, Radford et al. 2019): a table
   * [length, d], which is initialised like the embedding and counts in P.
   *
   * @param length places, at least 1; neither windows of training nor texts measured may be longer
   */
  record Learned(int length) implements Positions {
    public Learned {
      if (length < 1) {
        throw new IllegalArgumentException("learned positions must be at least 1, found " + length);
      }
    }

    @Override
    public String kind() {
      return "learned";
    }

    @Override
    public void checkWindow(int tokens) {
      if (tokens > length) {
        throw new IllegalArgumentException("there are " + length + " learned positions, too few for " + tokens
            + " tokens; give the model more, or shorten the windows");
      }
    }
  }

  /** No positions: only the causal mask tells which tokens came before. */
  record None() implements Positions {
    @Override
    public String kind() {
      return "none";
    }
  }
}
