package org.knowcap.models.architecture;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Low-rank adapters (LoRA, arXiv 2106.09685) on a model whose own weights are frozen. A product x W [n, m] becomes
 * x W + (alpha / rank) x A B, where only A [n, rank] and B [rank, m] are trained. B begins as zeros.
 *
 * @param rank from 1 to {@value #MOST_RANK}
 * @param alpha above 0; the adapters' output is multiplied by alpha / rank
 * @param placement which products have adapters
 */
public record LowRank(int rank, double alpha, Placement placement) {
  /** Largest rank that a model can have. */
  public static final int MOST_RANK = 4096;
  private static final Pattern SUFFIX = Pattern
      .compile("lora([1-9][0-9]{0,3})(?:a([0-9]+(?:\\.[0-9]+)?))?(attention|mlp)?");

  /** Which products of a block have adapters. */
  public enum Placement {
    /** Queries, keys and values together, and attention's output. */
    ATTENTION,
    /** The feed-forward's input and output; the two input matrices of a gated one together. */
    MLP,
    /** Both. */
    ALL;

    /** Whether attention's products have adapters. */
    public boolean attention() {
      return this != MLP;
    }

    /** Whether the feed-forward's products have adapters. */
    public boolean mlp() {
      return this != ATTENTION;
    }
  }

  public LowRank {
    if (rank < 1 || rank > MOST_RANK) {
      throw new IllegalArgumentException("lora_rank must be from 1 to " + MOST_RANK + ", found " + rank);
    }
    if (!(alpha > 0) || alpha > 1e6) {
      throw new IllegalArgumentException("lora_alpha must be above 0 and at most 1000000, found " + alpha);
    }
  }

  /** What x A B is multiplied by. */
  public double scale() {
    return alpha / rank;
  }

  /** Refuses adapters that a model cannot have. */
  void require(FeedForward feedForward, List<Mixer> mixers) {
    if (placement.attention() && mixers.stream().anyMatch(Mixer::recurrent)) {
      throw new IllegalArgumentException("all blocks must have attention for adapters in attention, found "
          + Mixer.print(mixers) + "; use 'lora_placement: mlp'");
    }
    if (feedForward.experts().isPresent()) {
      throw new IllegalArgumentException(
          "adapters (lora_rank) need a feed-forward without experts; use gpt2, gpt2-quarter or mistral");
    }
    if (feedForward.form() == FeedForward.Form.NONE && placement.mlp()) {
      throw new IllegalArgumentException(
          "adapters of the feed-forward need one, which this model lacks; use 'lora_placement: attention'");
    }
  }

  /** The adapters' parameters in a block of width d. */
  long parameters(int d, int qkvWidth, FeedForward feedForward) {
    long inner = feedForward.innerWidth(d);
    long in = feedForward.form() == FeedForward.Form.GATED ? 2 * inner : inner;
    return rank
        * ((placement.attention() ? d + qkvWidth + 2L * d : 0) + (placement.mlp() ? d + in + inner + d : 0));
  }

  private static Optional<LowRank> parse(String text) {
    Matcher matcher = SUFFIX.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("no adapters are named '" + text + "'");
    }
    int rank = Integer.parseInt(matcher.group(1));
    return Optional.of(new LowRank(rank,
        Optional.ofNullable(matcher.group(2)).map(Double::parseDouble).orElse((double) rank),
        Optional.ofNullable(matcher.group(3))
            .map(word -> Placement.valueOf(word.toUpperCase(Locale.ROOT)))
            .orElse(Placement.ALL)));
  }

  private String name() {
    return "lora" + rank
        + (alpha == rank ? "" : "a" + BigDecimal.valueOf(alpha).stripTrailingZeros().toPlainString())
        + (placement == Placement.ALL ? "" : placement.name().toLowerCase(Locale.ROOT));
  }

  private static Optional<LowRank> read(OptionValues values, ModelSpec named) {
    Optional<LowRank> usual = named.lowRank();
    if (usual.isEmpty() && !values.has("lora_rank")) {
      return usual;
    }
    int rank = usual.isPresent()
        ? (int) values.integer("lora_rank", 1, MOST_RANK, usual.get().rank())
        : (int) values.integer("lora_rank", 1, MOST_RANK);
    double alpha = values.number("lora_alpha", usual.map(LowRank::alpha).orElse((double) rank));
    Placement placement = values.choice("lora_placement", Placement.class,
        usual.map(LowRank::placement).orElse(Placement.ALL));
    return Optional.of(values.checked("lora_alpha", () -> new LowRank(rank, alpha, placement)));
  }

  private String phrase() {
    return "adapters of rank " + rank + ", alpha "
        + BigDecimal.valueOf(alpha).stripTrailingZeros().toPlainString() + ", in " + switch (placement) {
          case ATTENTION -> "attention";
          case MLP -> "the feed-forward";
          case ALL -> "attention and the feed-forward";
        } + ", all else frozen";
  }

  /** The option of a model that has adapters. */
  static ModelOption<Optional<LowRank>> row(String key) {
    return new ModelOption<>(key,
        new Suffix<>("lora[1-9][0-9]{0,3}(?:a[0-9]+(?:\\.[0-9]+)?)?(?:attention|mlp)?",
            (text, _) -> parse(text), (value, _) -> value.map(LowRank::name).orElse("")),
        LowRank::read, ModelSpec::lowRank, (b, value) -> b.lowRank = value,
        (model, settings) -> model.lowRank().ifPresent(value -> {
          settings.put("lora_rank", value.rank());
          settings.put("lora_alpha", value.alpha());
          settings.put("lora_placement", value.placement());
        }), model -> model.lowRank().map(LowRank::phrase).orElse(""));
  }
}
