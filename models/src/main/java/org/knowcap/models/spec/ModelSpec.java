package org.knowcap.models.spec;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a model is: blocks of attention and feed-forward on a residual stream of width d = heads * head width.
 *
 * @param family the architecture it was made from, whose properties it has but for the ones that were changed
 * @param layers number of blocks l, at least 1
 * @param heads attention heads h, at least 1
 * @param headWidth components of a head; 64 in the paper
 * @param keyHeads heads of keys and of values, a divisor of h: each serves h / keyHeads heads of queries
 * @param window how many tokens a query sees, itself included, at least 1; absent for all that came before
 * @param positions how it knows where its tokens stand
 * @param biases whether matrices other than embedding and head have biases
 * @param tied whether the head is the embedding
 */
public record ModelSpec(Family family, int layers, int heads, int headWidth, int keyHeads,
    Optional<Integer> window,
    Positions positions, Norm norm, FeedForward feedForward, boolean biases, boolean tied) {
  /** The paper's head width. */
  public static final int PAPER_HEAD_WIDTH = 64;

  private static final String NUMBER = "([1-9][0-9]{0,3})";
  private static final Pattern NAME = Pattern.compile("(" + String.join("|", Family.prefixes()) + ")-"
      + NUMBER + "-" + NUMBER
      + "(?:-w" + NUMBER + ")?(?:-k" + NUMBER + ")?(?:-a" + NUMBER + ")?"
      + "(?:-(layer|rms)norm)?(?:-(standard|gated|none))?(?:-(gelu|silu))?(?:-(biased|unbiased))?(?:-(tied|untied))?"
      + "(?<positions>" + PositionsName.PATTERN + ")");

  public ModelSpec {
    require(layers >= 1, "layers", layers);
    require(heads >= 1, "heads", heads);
    require(headWidth >= 1, "head width", headWidth);
    require(window.orElse(1) >= 1, "attention window", window.orElse(1));
    if (keyHeads < 1 || heads % keyHeads != 0) {
      throw new IllegalArgumentException(
          "key heads must divide the " + heads + " heads of queries, found " + keyHeads);
    }
    positions.checkHead(headWidth);
  }

  private static void require(boolean holds, String what, int found) {
    if (!holds) {
      throw new IllegalArgumentException(what + " must be at least 1, found " + found);
    }
  }

  /**
   * Reads a short name: {@code FAMILY-LAYERS-HEADS}, such as {@code gpt2-2-4} or {@code llama-2-4}, then what differs
   * from the family in this order: {@code -wWIDTH} for a head width other than 64, {@code -kHEADS} for heads of keys and
   * values, {@code -aTOKENS} for a window of attention, {@code -layernorm} or {@code -rmsnorm}, {@code -standard},
   * {@code -gated} or {@code -none} for the feed-forward, {@code -gelu} or {@code -silu}, {@code -biased} or
   * {@code -unbiased}, {@code -tied} or {@code -untied}, {@code -rotaryFRACTION} or {@code -rotaryFRACTIONbBASE},
   * {@code -ntkSCALE}, {@code -learnedPLACES} or {@code -nopos}.
   *
   * @throws IllegalArgumentException where the name is none
   */
  public static ModelSpec parse(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("no model is named '" + name
          + "'; a name is FAMILY-LAYERS-HEADS, such as gpt2-2-4, where FAMILY is one of "
          + String.join(", ", Family.prefixes())
          + ", then -wWIDTH for a head width other than " + PAPER_HEAD_WIDTH
          + " and other options, see docs/architectures.md");
    }
    Family family = Family.named(matcher.group(1)).orElseThrow();
    Positions positions = PositionsName.parse(matcher.group("positions"), family.rotary());
    ModelSpec spec = family.model(Integer.parseInt(matcher.group(2)), Integer.parseInt(matcher.group(3)),
        number(matcher, 4).orElse(PAPER_HEAD_WIDTH), positions);
    spec = number(matcher, 5).map(spec::withKeyHeads).orElse(spec);
    spec = number(matcher, 6).map(spec::withWindow).orElse(spec);
    spec = option(Norm.class, matcher, 7).map(spec::withNorm).orElse(spec);
    spec = option(FeedForward.Form.class, matcher, 8).map(spec.feedForward::with).map(spec::withFeedForward)
        .orElse(spec);
    spec = option(Activation.class, matcher, 9).map(spec.feedForward::with).map(spec::withFeedForward)
        .orElse(spec);
    spec = Optional.ofNullable(matcher.group(10)).map("biased"::equals).map(spec::withBiases).orElse(spec);
    return Optional.ofNullable(matcher.group(11)).map("tied"::equals).map(spec::withTied).orElse(spec);
  }

  private static Optional<Integer> number(Matcher matcher, int group) {
    return Optional.ofNullable(matcher.group(group)).map(Integer::valueOf);
  }

  private static <E extends Enum<E>> Optional<E> option(Class<E> type, Matcher matcher, int group) {
    return Optional.ofNullable(matcher.group(group))
        .map(word -> Enum.valueOf(type, word.toUpperCase(Locale.ROOT)));
  }

  public ModelSpec withKeyHeads(int other) {
    return new ModelSpec(family, layers, heads, headWidth, other, window, positions, norm, feedForward,
        biases,
        tied);
  }

  public ModelSpec withWindow(int other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, Optional.of(other), positions, norm,
        feedForward,
        biases, tied);
  }

  /** With heads of another width and other positions: not every width can have all of them. */
  public ModelSpec withHeadWidth(int other, Positions otherPositions) {
    return new ModelSpec(family, layers, heads, other, keyHeads, window, otherPositions, norm, feedForward,
        biases, tied);
  }

  public ModelSpec withPositions(Positions other) {
    return withHeadWidth(headWidth, other);
  }

  public ModelSpec withNorm(Norm other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, window, positions, other, feedForward,
        biases, tied);
  }

  public ModelSpec withFeedForward(FeedForward other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, window, positions, norm, other, biases,
        tied);
  }

  public ModelSpec withBiases(boolean other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, window, positions, norm, feedForward,
        other,
        tied);
  }

  public ModelSpec withTied(boolean other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, window, positions, norm, feedForward,
        biases, other);
  }

  /** The short name, as {@link #parse} reads it. */
  public String name() {
    ModelSpec plain = family.model(layers, heads, PAPER_HEAD_WIDTH);
    StringBuilder name = new StringBuilder(family.prefix() + "-" + layers + "-" + heads);
    append(name, headWidth != plain.headWidth, "w" + headWidth);
    append(name, keyHeads != plain.keyHeads, "k" + keyHeads);
    window.ifPresent(tokens -> append(name, true, "a" + tokens));
    append(name, norm != plain.norm, word(norm) + "norm");
    append(name, feedForward.form() != plain.feedForward.form(), word(feedForward.form()));
    append(name, feedForward.activation() != plain.feedForward.activation(), word(feedForward.activation()));
    append(name, biases != plain.biases, biases ? "biased" : "unbiased");
    append(name, tied != plain.tied, tied ? "tied" : "untied");
    return name.append(PositionsName.of(positions, family.rotary())).toString();
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static void append(StringBuilder name, boolean differs, String option) {
    if (differs) {
      name.append('-').append(option);
    }
  }

  /** Width d of the residual stream. */
  public int width() {
    return heads * headWidth;
  }

  /** Width of queries, keys and values together. */
  public int qkvWidth() {
    return (heads + 2 * keyHeads) * headWidth;
  }

  /** Width of the feed-forward's inner layer; 0 where there is none. */
  public int innerWidth() {
    return feedForward.innerWidth(width());
  }

  /** Counts every trainable parameter, by component, for a vocabulary of this many tokens. */
  public ParameterCount parameters(int vocabulary) {
    long d = width();
    long inner = innerWidth();
    long perNorm = norm == Norm.LAYER ? 2 * d : d;
    long norms = feedForward.form() == FeedForward.Form.NONE ? layers + 1 : 2L * layers + 1;
    List<Long> innerOutputs = switch (feedForward.form()) {
      case NONE -> List.of();
      case STANDARD -> List.of(inner, d);
      case GATED -> List.of(inner, inner, d);
    };
    return new ParameterCount(
        vocabulary * d,
        positions instanceof Positions.Learned learned ? learned.length() * d : 0,
        layers * (d * qkvWidth() + d * d + (biases ? qkvWidth() + d : 0)),
        layers * (feedForward.matrices() * d * inner
            + (biases ? innerOutputs.stream().mapToLong(Long::longValue).sum() : 0)),
        norms * perNorm,
        tied ? 0 : vocabulary * d);
  }
}
