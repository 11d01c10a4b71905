package org.knowcap.models.spec;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The paper's GPT2-l-h: GPT-2 with rotary positions, no dropout, a head tied to the embedding, LayerNorm with bias,
 * biases everywhere, GELU, and a feed-forward of d to 4d to d, where d = heads * head width (paper, section 3).
 *
 * @param layers number of blocks l, at least 1
 * @param heads attention heads h, at least 1
 * @param headWidth components of a head; 64 in the paper
 * @param rotary rotary positions of queries and keys
 */
public record ModelSpec(int layers, int heads, int headWidth, Rotary rotary) {
  /** The paper's head width. */
  public static final int PAPER_HEAD_WIDTH = 64;

  private static final Pattern NAME = Pattern
      .compile("gpt2-([1-9][0-9]{0,3})-([1-9][0-9]{0,3})(?:-w([1-9][0-9]{0,3}))?");

  public ModelSpec {
    require(layers >= 1, "layers", layers);
    require(heads >= 1, "heads", heads);
    require(headWidth >= 1, "head width", headWidth);
    rotary.width(headWidth);
  }

  private static void require(boolean holds, String what, int found) {
    if (!holds) {
      throw new IllegalArgumentException(what + " must be at least 1, found " + found);
    }
  }

  /**
   * Reads a short name, {@code gpt2-LAYERS-HEADS} or {@code gpt2-LAYERS-HEADS-wWIDTH}: head width 64 unless it says
   * another, and the paper's rotary positions.
   *
   * @throws IllegalArgumentException where the name is none
   */
  public static ModelSpec parse(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("no model is named '" + name
          + "'; a name is gpt2-LAYERS-HEADS, such as gpt2-2-4, or gpt2-LAYERS-HEADS-wWIDTH for a head width other than "
          + PAPER_HEAD_WIDTH);
    }
    return new ModelSpec(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)),
        matcher.group(3) == null ? PAPER_HEAD_WIDTH : Integer.parseInt(matcher.group(3)), Rotary.PAPER);
  }

  public ModelSpec withHeadWidth(int headWidth) {
    return new ModelSpec(layers, heads, headWidth, rotary);
  }

  public ModelSpec withRotary(Rotary rotary) {
    return new ModelSpec(layers, heads, headWidth, rotary);
  }

  /** The short name, as {@link #parse} reads it; it does not say the rotary positions. */
  public String name() {
    return "gpt2-" + layers + "-" + heads + (headWidth == PAPER_HEAD_WIDTH ? "" : "-w" + headWidth);
  }

  /** Width d of the residual stream. */
  public int width() {
    return heads * headWidth;
  }

  /** Width of the feed-forward's inner layer, 4d. */
  public int innerWidth() {
    return 4 * width();
  }

  /** Counts every trainable parameter, by component, for a vocabulary of this many tokens. */
  public ParameterCount parameters(int vocabulary) {
    long d = width();
    long inner = innerWidth();
    return new ParameterCount(
        vocabulary * d,
        layers * (d * 3 * d + 3 * d + d * d + d),
        layers * (d * inner + inner + inner * d + d),
        layers * 2 * 2 * d + 2 * d);
  }
}
