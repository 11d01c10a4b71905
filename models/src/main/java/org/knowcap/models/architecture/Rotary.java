package org.knowcap.models.architecture;

import java.util.Optional;

/**
 * Rotary position embedding (Su et al. 2021) as GPT-NeoX has it: the first {@code fraction} of each head's queries and keys is
 * rotated, component i together with component i + width/2 of the rotated part, by the angle
 * position * base^(-2i/width).
 *
 * @param fraction rotated share of the head width, above 0 and up to 1; the paper's authors use a quarter
 *     (Part 3.1)
 * @param base base of the angles' geometric sequence, above 1; 10,000 in the paper
 */
public record Rotary(double fraction, double base) implements Positions {
  /** A quarter of the head, base 10,000: what the paper's authors use. */
  public static final Rotary PAPER = new Rotary(0.25, 10_000);
  /** The whole head, base 10,000: LLaMA and Mistral. */
  public static final Rotary WHOLE = new Rotary(1, 10_000);

  public Rotary {
    if (!(fraction > 0 && fraction <= 1)) {
      throw new IllegalArgumentException("rotary fraction must be above 0 and at most 1, found " + fraction);
    }
    if (!(base > 1) || Double.isInfinite(base)) {
      throw new IllegalArgumentException("rotary base must be a number above 1, found " + base);
    }
  }

  @Override
  public String kind() {
    return "rotary";
  }

  @Override
  public Optional<Rotary> rotary() {
    return Optional.of(this);
  }

  /**
   * The rotated components of each head.
   *
   * @throws IllegalArgumentException where the fraction of this head width is not an even, positive integer
   */
  public int width(int headWidth) {
    double width = fraction * headWidth;
    if (width != Math.rint(width) || width < 2 || width % 2 != 0) {
      throw new IllegalArgumentException("rotary fraction " + fraction + " of head width " + headWidth
          + " is " + width + "; it must be an even number of components, at least 2");
    }
    return (int) width;
  }
}
