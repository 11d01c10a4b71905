package org.knowcap.models.architecture;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a model is: blocks of attention and feed-forward on a residual stream of width d = heads * head width.
 *
 * @param family the architecture it was made from, whose properties it has but for the ones that were changed
 * @param layers number of blocks l, at least 1
 * @param heads attention heads h, at least 1
 * @param headWidth components of a head; 64 in the paper
 * @param keyHeads heads of keys and of values, a divisor of h: each serves h / keyHeads heads of queries
 * @param attentionWindow how many tokens a query sees, itself included, at least 1; absent for all that came before
 * @param mask which of those tokens it sees
 * @param positions how it knows where its tokens stand
 * @param biases whether matrices other than embedding and head have biases
 * @param tied whether the head is the embedding
 */
public record ModelSpec(Family family, int layers, int heads, int headWidth, int keyHeads,
    Optional<Integer> attentionWindow, Mask mask, Positions positions, Norm norm, FeedForward feedForward,
    boolean biases, boolean tied) {
  /** The paper's head width. */
  public static final int PAPER_HEAD_WIDTH = 64;

  private static final String NUMBER = "([1-9][0-9]{0,3})";
  private static final Pattern NAME = Pattern.compile("(" + String.join("|", Family.prefixes()) + ")-"
      + NUMBER + "-" + NUMBER + "(?:-w" + NUMBER + ")?(?:-k" + NUMBER + ")?(?:-a" + NUMBER + ")?"
      + "(?:-(layer|rms)norm)?(?:-(standard|gated|none))?(?:-(gelu|silu))?(?:-(biased|unbiased))?(?:-(tied|untied))?"
      + "(?:" + PositionsName.PATTERN + ")(?:-(?<mask>document))?" + "(?<top>-top" + NUMBER
      + ")?(?<capacity>-cap(?:none|[0-9]+(?:[.][0-9]+)?))?(?<choosing>-expertchoice)?");
  /** A family with experts, their number, and the rest of the name. */
  private static final Pattern EXPERTS = Pattern
      .compile("(" + String.join("|", Family.prefixesWithExperts()) + ")" + NUMBER + "(-.*)");

  public ModelSpec {
    require(layers >= 1, "layers", layers);
    require(heads >= 1, "heads", heads);
    require(headWidth >= 1, "head width", headWidth);
    require(attentionWindow.orElse(1) >= 1, "attention window", attentionWindow.orElse(1));
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
   * {@code -ntkSCALE}, {@code -reropeWINDOW}, {@code -leakyWINDOWkSLOWNESS}, {@code -alibi}, {@code -learnedPLACES} or
   * {@code -nopos}, {@code -document}. A family with experts may have their number behind it,
   * such as {@code gpt2-moe32-2-4}, and at the end {@code -topK} for experts of a token, {@code -capF} for the capacity
   * factor in training, {@code -expertchoice} where experts choose.
   *
   * @throws IllegalArgumentException where the name is none
   */
  public static ModelSpec parse(String name) {
    Matcher experts = EXPERTS.matcher(name);
    Optional<Integer> count = experts.matches()
        ? Optional.of(Integer.valueOf(experts.group(2)))
        : Optional.empty();
    Matcher matcher = NAME.matcher(count.isPresent() ? experts.group(1) + experts.group(3) : name);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("no model is named '" + name
          + "'; a name is FAMILY-LAYERS-HEADS, such as gpt2-2-4, where FAMILY is one of "
          + String.join(", ", Family.prefixes()) + ", then -wWIDTH for a head width other than "
          + PAPER_HEAD_WIDTH + " and other options, see docs/architectures.md");
    }
    Family family = Family.named(matcher.group(1)).orElseThrow();
    Positions positions = PositionsName.parse(matcher, family.rotary());
    ModelSpec spec = family.model(Integer.parseInt(matcher.group(2)), Integer.parseInt(matcher.group(3)),
        number(matcher, 4).orElse(PAPER_HEAD_WIDTH), positions);
    spec = number(matcher, 5).map(spec::withKeyHeads).orElse(spec);
    spec = number(matcher, 6).map(spec::withAttentionWindow).orElse(spec);
    spec = option(Norm.class, matcher, 7).map(spec::withNorm).orElse(spec);
    spec = option(FeedForward.Form.class, matcher, 8).map(spec.feedForward::with)
        .map(spec::withFeedForward)
        .orElse(spec);
    spec = option(Activation.class, matcher, 9).map(spec.feedForward::with)
        .map(spec::withFeedForward)
        .orElse(spec);
    spec = Optional.ofNullable(matcher.group(10)).map("biased"::equals).map(spec::withBiases).orElse(spec);
    spec = Optional.ofNullable(matcher.group(11)).map("tied"::equals).map(spec::withTied).orElse(spec);
    spec = matcher.group("mask") == null ? spec : spec.withMask(Mask.DOCUMENT);
    return spec.withExperts(count, matcher);
  }

  private ModelSpec withExperts(Optional<Integer> count, Matcher matcher) {
    if (feedForward.experts().isEmpty()) {
      if (Stream.of("top", "capacity", "choosing").anyMatch(group -> matcher.group(group) != null)) {
        throw new IllegalArgumentException("-top, -cap and -expertchoice are for families with experts ("
            + String.join(", ", Family.prefixesWithExperts()) + "), found '" + matcher.group() + "'");
      }
      return this;
    }
    Experts experts = feedForward.experts().get();
    int total = count.orElse(experts.count());
    Optional<Integer> top = Optional.ofNullable(matcher.group("top"))
        .map(option -> Integer.valueOf(option.substring(4)));
    // Both at once: a family's own number of experts to a token may be more than there are now.
    experts = top.isPresent()
        ? experts.withTopK(1).withCount(total).withTopK(top.get())
        : experts.withCount(total);
    if (matcher.group("capacity") != null) {
      experts = experts.withCapacity(Optional.of(matcher.group("capacity").substring(4))
          .filter(text -> !text.equals("none"))
          .map(Double::valueOf), experts.testCapacityFactor());
    }
    if (matcher.group("choosing") != null) {
      experts = experts.choosing().withTopK(top.orElse(1));
    }
    return withFeedForward(feedForward.with(experts));
  }

  private static Optional<Integer> number(Matcher matcher, int group) {
    return Optional.ofNullable(matcher.group(group)).map(Integer::valueOf);
  }

  private static <E extends Enum<E>> Optional<E> option(Class<E> type, Matcher matcher, int group) {
    return Optional.ofNullable(matcher.group(group))
        .map(word -> Enum.valueOf(type, word.toUpperCase(Locale.ROOT)));
  }

  public ModelSpec withKeyHeads(int other) {
    return new ModelSpec(family, layers, heads, headWidth, other, attentionWindow, mask, positions, norm,
        feedForward, biases, tied);
  }

  public ModelSpec withAttentionWindow(int other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, Optional.of(other), mask, positions,
        norm, feedForward, biases, tied);
  }

  /** With heads of another width and other positions: not every width can have all of them. */
  public ModelSpec withHeadWidth(int other, Positions otherPositions) {
    return new ModelSpec(family, layers, heads, other, keyHeads, attentionWindow, mask, otherPositions, norm,
        feedForward, biases, tied);
  }

  public ModelSpec withMask(Mask other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, attentionWindow, other, positions, norm,
        feedForward, biases, tied);
  }

  public ModelSpec withPositions(Positions other) {
    return withHeadWidth(headWidth, other);
  }

  public ModelSpec withNorm(Norm other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, attentionWindow, mask, positions, other,
        feedForward, biases, tied);
  }

  public ModelSpec withFeedForward(FeedForward other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, attentionWindow, mask, positions, norm,
        other, biases, tied);
  }

  /** The same with one feed-forward where there are experts. */
  public ModelSpec dense() {
    return new ModelSpec(family.dense(), layers, heads, headWidth, keyHeads, attentionWindow, mask, positions,
        norm, feedForward.dense(), biases, tied);
  }

  public ModelSpec withBiases(boolean other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, attentionWindow, mask, positions, norm,
        feedForward, other, tied);
  }

  public ModelSpec withTied(boolean other) {
    return new ModelSpec(family, layers, heads, headWidth, keyHeads, attentionWindow, mask, positions, norm,
        feedForward, biases, other);
  }

  /**
   * The short name, as {@link #parse} reads it; of experts it does not say the capacity at test, which blocks have them,
   * how many are shared, and the weights of their losses.
   */
  public String name() {
    ModelSpec plain = family.model(layers, heads, PAPER_HEAD_WIDTH);
    Optional<Experts> experts = feedForward.experts();
    StringBuilder name = new StringBuilder(family.prefix()
        + experts.map(mixture -> Integer.toString(mixture.count())).orElse("") + "-" + layers + "-" + heads);
    append(name, headWidth != plain.headWidth, "w" + headWidth);
    append(name, keyHeads != plain.keyHeads, "k" + keyHeads);
    attentionWindow.ifPresent(tokens -> append(name, true, "a" + tokens));
    append(name, norm != plain.norm, word(norm) + "norm");
    append(name, feedForward.form() != plain.feedForward.form(), word(feedForward.form()));
    append(name, feedForward.activation() != plain.feedForward.activation(), word(feedForward.activation()));
    append(name, biases != plain.biases, biases ? "biased" : "unbiased");
    append(name, tied != plain.tied, tied ? "tied" : "untied");
    name.append(PositionsName.of(positions, family.rotary()));
    append(name, mask != plain.mask, word(mask));
    experts.ifPresent(mixture -> appendExperts(name, mixture, plain.feedForward.experts().orElseThrow()));
    return name.toString();
  }

  private static void appendExperts(StringBuilder name, Experts experts, Experts plain) {
    append(name, experts.causal() && experts.topK() != plain.topK(), "top" + experts.topK());
    append(name, !experts.capacityFactor().equals(plain.capacityFactor()),
        "cap" + experts.capacityFactor().map(ModelSpec::number).orElse("none"));
    append(name, !experts.causal(), "expertchoice");
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
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

  /** Whether a token's loss depends on no later token. */
  public boolean causal() {
    return feedForward.experts().map(Experts::causal).orElse(true);
  }

  /** Width of the feed-forward's inner layer; 0 where there is none. */
  public int innerWidth() {
    return feedForward.innerWidth(width());
  }

  /** Counts every trainable parameter, by component, for a vocabulary of this many tokens. */
  public ParameterCount parameters(int vocabulary) {
    long d = width();
    long perNorm = norm == Norm.LAYER ? 2 * d : d;
    long norms = feedForward.form() == FeedForward.Form.NONE ? layers + 1 : 2L * layers + 1;
    long one = feedForward.parameters(width(), biases, 1);
    long mixtures = IntStream.range(0, layers).filter(feedForward::mixed).count();
    long experts = feedForward.experts().map(Experts::count).orElse(1);
    long shared = feedForward.experts()
        .map(e -> feedForward.parameters(width(), biases, e.shared()))
        .orElse(0L);
    double active = feedForward.experts().map(Experts::active).orElse(1.0);
    return new ParameterCount(vocabulary * d,
        positions instanceof Positions.Learned learned ? learned.length() * d : 0,
        layers * (d * qkvWidth() + d * d + (biases ? qkvWidth() + d : 0)),
        (layers - mixtures) * one + mixtures * (experts * one + shared), mixtures * d * experts,
        norms * perNorm, tied ? 0 : vocabulary * d, Math.round(mixtures * (experts - active) * one));
  }
}
