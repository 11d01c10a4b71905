package org.knowcap.models.spec;

import java.util.Optional;

/**
 * How a model knows where its tokens stand. All but {@link Learned} act within attention, on the distance of two tokens, and
 * have no parameters.
 */
public sealed interface Positions permits Rotary, Positions.Ntk, Positions.Learned, Positions.None {
  /** What a study calls them. */
  String kind();

  /** The rotation they are made from, if they are made from one. */
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
   * Checks that windows of so many tokens can have them.
   *
   * @throws IllegalArgumentException where they cannot
   */
  default void checkWindow(int tokens) {}

  /**
   * NTK-aware scaling (bloc97 2023): rotary positions of another base, base' = base * s^(w / (w - 2)) with w the rotated
   * width. The slowest angle becomes s times slower and the fastest stays, so that a model made for windows of T tokens
   * meets no new angles in windows of s T.
   *
   * @param plain what is scaled
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
   * A trained vector for each place in a window, added to the embedding (GPT-2, Radford et al. 2019): a table
   * [length, d], which starts as the embedding does and counts in P.
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

  /** None: a token knows which others came before it, and no more. */
  record None() implements Positions {
    @Override
    public String kind() {
      return "none";
    }
  }
}
