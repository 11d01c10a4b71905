package org.knowcap.models.architecture;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The architectures that have a name (paper, sections 3 and 7). */
public enum Family {
  /** GPT-2 with rotary positions instead of learned ones, no dropout, and a head tied to the embedding. */
  GPT2("gpt2", Rotary.PAPER, Norm.LAYER, gelu(FeedForward.Form.STANDARD, 8), true, true),
  /** GPT2 with a feed-forward of d to d to d. */
  GPT2_QUARTER("gpt2-quarter", Rotary.PAPER, Norm.LAYER, gelu(FeedForward.Form.STANDARD, 2), true, true),
  /** GPT2 without any feed-forward. */
  GPT2_NOMLP("gpt2-nomlp", Rotary.PAPER, Norm.LAYER, gelu(FeedForward.Form.NONE, 8), true, true),
  /** The paper's GPT2-MoE: for a feed-forward 32 experts of d to d to d, one for each token. */
  GPT2_MOE("gpt2-moe", Rotary.PAPER, Norm.LAYER, gelu(FeedForward.Form.STANDARD, 2).with(Experts.of(32, 1)),
      true, true),
  /** GPT2 with GLaM's mixture (arXiv 2112.06905): in every second block 64 experts, two for each token. */
  GLAM("glam", Rotary.PAPER, Norm.LAYER,
      gelu(FeedForward.Form.STANDARD, 8)
          .with(Experts.of(64, 2).withCapacity(Optional.of(1.0), Optional.of(8.0)).withEvery(2)),
      true, true),
  /** LLaMA: RMSNorm, a gated feed-forward of 8 d^2 parameters, no biases, a head of its own. */
  LLAMA("llama", Rotary.WHOLE, Norm.RMS, silu(8), false, false),
  /** Mistral: as LLaMA, with a feed-forward of 10.5 d^2 parameters and grouped-query attention. */
  MISTRAL("mistral", Rotary.WHOLE, Norm.RMS, silu(10.5), false, false),
  /** Mixtral (arXiv 2401.04088): as Mistral, with 8 such feed-forwards, two for each token, and none turned away. */
  MIXTRAL("mixtral", Rotary.WHOLE, Norm.RMS,
      silu(10.5).with(Experts.of(8, 2).withCapacity(Optional.empty(), Optional.empty())), false, false);

  private final String prefix;
  private final Rotary rotary;
  private final Norm norm;
  private final FeedForward feedForward;
  private final boolean biases;
  private final boolean tied;

  Family(String prefix, Rotary rotary, Norm norm, FeedForward feedForward, boolean biases, boolean tied) {
    this.prefix = prefix;
    this.rotary = rotary;
    this.norm = norm;
    this.feedForward = feedForward;
    this.biases = biases;
    this.tied = tied;
  }

  private static FeedForward gelu(FeedForward.Form form, double factor) {
    return new FeedForward(form, Activation.GELU, factor, Optional.empty());
  }

  private static FeedForward silu(double factor) {
    return new FeedForward(FeedForward.Form.GATED, Activation.SILU, factor, Optional.empty());
  }

  /** The family whose short names begin so. */
  public static Optional<Family> named(String prefix) {
    return Arrays.stream(values()).filter(family -> family.prefix.equals(prefix)).findFirst();
  }

  /** What short names begin with, of all families in order. */
  public static List<String> prefixes() {
    return Arrays.stream(values()).map(Family::prefix).toList();
  }

  /** The family whose blocks have one feed-forward where these have experts. */
  Family dense() {
    return switch (this) {
      case GPT2_MOE -> GPT2_QUARTER;
      case GLAM -> GPT2;
      case MIXTRAL -> MISTRAL;
      case GPT2, GPT2_QUARTER, GPT2_NOMLP, LLAMA, MISTRAL -> this;
    };
  }

  /** What short names of the families with experts begin with, before their number. */
  static List<String> prefixesWithExperts() {
    return Arrays.stream(values())
        .filter(family -> family.feedForward.experts().isPresent())
        .map(Family::prefix)
        .toList();
  }

  /** What short names begin with. */
  public String prefix() {
    return prefix;
  }

  /** Its positions. */
  public Rotary rotary() {
    return rotary;
  }

  /**
   * The family's model of a size.
   *
   * @throws IllegalArgumentException where there is none
   */
  public ModelSpec model(int layers, int heads, int headWidth) {
    return model(layers, heads, headWidth, rotary);
  }

  /** The same with other positions. */
  public ModelSpec model(int layers, int heads, int headWidth, Positions other) {
    return new ModelSpec(this, layers, heads, headWidth, keyHeads(heads), Optional.empty(), Mask.CAUSAL,
        other, norm, feedForward, biases, tied);
  }

  /**
   * The model of so many layers that comes closest to a number of parameters, of all numbers of heads.
   *
   * @param parameters P, at least 1
   * @param vocabulary V
   */
  public ModelSpec nearest(long parameters, int layers, int headWidth, int vocabulary) {
    ModelSpec nearest = model(layers, 1, headWidth);
    for (int heads = 2; nearest.parameters(vocabulary).total() < parameters; heads++) {
      ModelSpec larger = model(layers, heads, headWidth);
      long below = parameters - nearest.parameters(vocabulary).total();
      long above = larger.parameters(vocabulary).total() - parameters;
      if (above >= below) {
        return nearest;
      }
      nearest = larger;
    }
    return nearest;
  }

  /** The paper's rule for Mistral: four query heads share keys and values if four divides them, otherwise two, or none. */
  private int keyHeads(int heads) {
    int group = this != MISTRAL && this != MIXTRAL ? 1 : heads % 4 == 0 ? 4 : heads % 2 == 0 ? 2 : 1;
    return heads / group;
  }
}
