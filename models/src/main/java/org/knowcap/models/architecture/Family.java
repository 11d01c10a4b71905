package org.knowcap.models.architecture;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** The architectures that have a name (paper, sections 3 and 7). */
public enum Family {
  /** GPT-2 with rotary positions instead of learned ones, no dropout, and a head tied to the embedding. */
  GPT2("gpt2", Rotary.PAPER, Norm.LAYER, gelu(FeedForward.Form.STANDARD, 8), KeyHeads.ONE_EACH, true, true),
  /** GPT2 with a feed-forward of d to d to d. */
  GPT2_QUARTER("gpt2-quarter", Rotary.PAPER, Norm.LAYER, gelu(FeedForward.Form.STANDARD, 2),
      KeyHeads.ONE_EACH, true, true),
  /** GPT2 without any feed-forward. */
  GPT2_NOMLP("gpt2-nomlp", Rotary.PAPER, Norm.LAYER, gelu(FeedForward.Form.NONE, 8), KeyHeads.ONE_EACH, true,
      true),
  /** The paper's GPT2-MoE: in place of a feed-forward 32 experts of d to d to d, one for each token. */
  GPT2_MOE("gpt2-moe", GPT2_QUARTER, gelu(FeedForward.Form.STANDARD, 2).with(Experts.of(32, 1))),
  /** GPT2 with GLaM's mixture (arXiv 2112.06905): in every second block 64 experts, two for each token. */
  GLAM("glam", GPT2,
      gelu(FeedForward.Form.STANDARD, 8)
          .with(Experts.of(64, 2).withCapacity(Optional.of(1.0), Optional.of(8.0)).withEvery(2))),
  /** LLaMA: RMSNorm, a gated feed-forward of 8 d^2 parameters, no biases, a head of its own. */
  LLAMA("llama", Rotary.WHOLE, Norm.RMS, silu(8), KeyHeads.ONE_EACH, false, false),
  /** Mistral: LLaMA with a feed-forward of 10.5 d^2 parameters and grouped-query attention. */
  MISTRAL("mistral", Rotary.WHOLE, Norm.RMS, silu(10.5), KeyHeads.GROUPED, false, false),
  /** Mixtral (arXiv 2401.04088): Mistral with 8 experts, two for each token, and unlimited capacity. */
  MIXTRAL("mixtral", MISTRAL,
      silu(10.5).with(Experts.of(8, 2).withCapacity(Optional.empty(), Optional.empty())));

  /** How many heads of keys and values a number of query heads has, unless a model says otherwise. */
  private enum KeyHeads {
    /** One for each head of queries. */
    ONE_EACH,
    /**
     * The paper's rule for Mistral: four query heads share one if four divides their number, otherwise two share one
     * if two divides it, otherwise none do.
     */
    GROUPED;

    int of(int heads) {
      return switch (this) {
        case ONE_EACH -> heads;
        case GROUPED -> heads / (heads % 4 == 0 ? 4 : heads % 2 == 0 ? 2 : 1);
      };
    }
  }

  /** Largest relative difference between a wanted number of parameters and a model that counts as having it. */
  private static final double CLOSE = 0.01;

  private final String prefix;
  private final Rotary rotary;
  private final Norm norm;
  private final FeedForward feedForward;
  private final boolean biases;
  private final boolean tied;
  private final KeyHeads keyHeads;
  private final Optional<Family> dense;

  Family(String prefix, Rotary rotary, Norm norm, FeedForward feedForward, KeyHeads keyHeads, boolean biases,
      boolean tied) {
    this.prefix = prefix;
    this.rotary = rotary;
    this.norm = norm;
    this.feedForward = feedForward;
    this.keyHeads = keyHeads;
    this.biases = biases;
    this.tied = tied;
    dense = Optional.empty();
  }

  /** A family with experts: the dense family with another feed-forward. */
  Family(String prefix, Family dense, FeedForward feedForward) {
    this.prefix = prefix;
    this.feedForward = feedForward;
    this.dense = Optional.of(dense);
    rotary = dense.rotary;
    norm = dense.norm;
    keyHeads = dense.keyHeads;
    biases = dense.biases;
    tied = dense.tied;
  }

  private static FeedForward gelu(FeedForward.Form form, double factor) {
    return new FeedForward(form, Activation.GELU, factor, Optional.empty());
  }

  private static FeedForward silu(double factor) {
    return new FeedForward(FeedForward.Form.GATED, Activation.SILU, factor, Optional.empty());
  }

  /** The family whose short names begin with this prefix. */
  public static Optional<Family> named(String prefix) {
    return Arrays.stream(values()).filter(family -> family.prefix.equals(prefix)).findFirst();
  }

  /** The prefixes of short names, of all families in order. */
  public static List<String> prefixes() {
    return Arrays.stream(values()).map(Family::prefix).toList();
  }

  /** The family whose blocks have one feed-forward where this family has experts; this family if it has no experts. */
  Family dense() {
    return dense.orElse(this);
  }

  /** The prefixes of families with experts, without the number of experts. */
  static List<String> prefixesWithExperts() {
    return Arrays.stream(values())
        .filter(family -> family.feedForward.experts().isPresent())
        .map(Family::prefix)
        .toList();
  }

  /** The prefix of short names, such as "gpt2". */
  public String prefix() {
    return prefix;
  }

  /** The rotary positions of the family. */
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

  /** The family's model of a size, with other positions. */
  public ModelSpec model(int layers, int heads, int headWidth, Positions other) {
    return new ModelSpec(this, layers, heads, headWidth, keyHeads.of(heads), Optional.empty(), Mask.CAUSAL,
        other, norm, feedForward, biases, tied, false, List.of(), List.of(Mixer.ATTENTION), 1,
        Optional.empty(), Optional.empty());
  }

  /**
   * The model with this number of layers and this head width whose number of parameters is closest to the wanted one.
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

  /**
   * The model with this number of layers that comes close to the wanted number of parameters, among all numbers and
   * widths of heads. Of the models within 1 % it is the one whose head width is nearest to the paper's 64; if no
   * model is within 1 %, it is the closest one.
   *
   * @param parameters P, at least 1
   * @param vocabulary V
   */
  public ModelSpec nearest(long parameters, int layers, int vocabulary) {
    // Of each head an even number of components is rotated.
    int step = (int) Math.round(2 / rotary.fraction());
    List<ModelSpec> candidates = new ArrayList<>();
    for (int heads = 1; heads == 1
        || model(layers, heads, step).parameters(vocabulary).total() <= parameters; heads++) {
      int low = 1;
      int high = ModelSpec.WIDEST_HEAD / step;
      while (low < high) {
        int middle = (low + high + 1) / 2;
        if (model(layers, heads, middle * step).parameters(vocabulary).total() <= parameters) {
          low = middle;
        } else {
          high = middle - 1;
        }
      }
      candidates.add(model(layers, heads, low * step));
      if ((low + 1) * step <= ModelSpec.WIDEST_HEAD) {
        candidates.add(model(layers, heads, (low + 1) * step));
      }
    }
    ToDoubleFunction<ModelSpec> miss = model -> Math
        .abs(model.parameters(vocabulary).total() / (double) parameters - 1);
    return candidates.stream()
        .filter(model -> miss.applyAsDouble(model) <= CLOSE)
        .min(Comparator
            .<ModelSpec>comparingDouble(
                model -> Math.abs(Math.log(model.headWidth() / (double) ModelSpec.PAPER_HEAD_WIDTH)))
            .thenComparingDouble(miss))
        .orElseGet(() -> candidates.stream().min(Comparator.comparingDouble(miss)).orElseThrow());
  }
}
