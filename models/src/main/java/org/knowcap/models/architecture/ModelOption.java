package org.knowcap.models.architecture;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * One way in which a model can differ from its family. This row is the only place that says how the option appears
 * in a name, in a study, in {@code run.json} and in words. The names of models, {@code run.json} and the command
 * {@code models} go through {@link #ALL}.
 *
 * @param key its key in a study's mapping of a model
 * @param suffix how a model's name says it
 * @param reading gives its value from a mapping, where the named model's stands for what the mapping does not say
 * @param get its value in a model
 * @param set changes its value
 * @param setting writes it as {@code run.json} has it
 * @param phrase words about the value for {@code knowcap models}; empty where there is nothing to say
 */
public record ModelOption<T>(String key, Suffix<T> suffix, BiFunction<OptionValues, ModelSpec, T> reading,
    Function<ModelSpec, T> get, BiConsumer<ModelSpec.Builder, T> set,
    BiConsumer<ModelSpec, Map<String, Object>> setting, Function<ModelSpec, String> phrase) {
  /** Longest window of tokens that an option can ask for. */
  public static final int MOST_TOKENS = 1 << 24;

  /** Components of a head. */
  public static final ModelOption<Integer> HEAD_WIDTH = whole("head_width", "w", _ -> ModelSpec.WIDEST_HEAD,
      ModelSpec::headWidth, (b, value) -> b.headWidth = value, m -> m.heads() + " heads of " + m.headWidth());
  /** Heads of keys and of values, a divisor of the heads of queries. */
  public static final ModelOption<Integer> KEY_HEADS = whole("key_heads", "k", ModelSpec::heads,
      ModelSpec::keyHeads, (b, value) -> b.keyHeads = value,
      m -> m.keyHeads() == m.heads() ? "" : m.keyHeads() + " of keys and values");
  /** Number of tokens that a query sees, itself included; absent if it sees all earlier tokens. */
  public static final ModelOption<Optional<Integer>> ATTENTION_WINDOW = attentionWindow("attention_window");
  /** Which of those tokens a query sees. */
  public static final ModelOption<Mask> MASK = choice("mask", Mask.class, word -> word, ModelSpec::mask,
      (b, value) -> b.mask = value, m -> switch (m.mask()) {
        case CAUSAL -> "";
        case DOCUMENT -> "tokens see their own document only";
      });
  /** How the model knows the positions of its tokens. */
  public static final ModelOption<Positions> POSITIONS = PositionsOption.row("positions");
  /** LayerNorm or RMSNorm. */
  public static final ModelOption<Norm> NORM = choice("norm", Norm.class, word -> word + "norm",
      ModelSpec::norm, (b, value) -> b.norm = value, m -> switch (m.norm()) {
        case LAYER -> "LayerNorm";
        case RMS -> "RMSNorm";
      });
  /** How the matrices of the feed-forward work together. */
  public static final ModelOption<FeedForward.Form> FEED_FORWARD = choice("feed_forward",
      FeedForward.Form.class, word -> word, m -> m.feedForward().form(),
      (b, value) -> b.feedForward = b.feedForward.with(value), m -> switch (m.feedForward().form()) {
        case NONE -> "no feed-forward";
        case STANDARD -> "feed-forward of " + m.innerWidth() + " with " + m.feedForward().activation();
        case GATED -> "feed-forward of " + m.innerWidth() + " gated by " + m.feedForward().activation();
      }).written((m, settings) -> settings.put("feed_forward", m.feedForward()));
  /** Activation of the feed-forward, which {@link #FEED_FORWARD} writes and prints. */
  public static final ModelOption<Activation> ACTIVATION = choice("activation", Activation.class,
      word -> word, m -> m.feedForward().activation(),
      (b, value) -> b.feedForward = b.feedForward.with(value), _ -> "").written((_, _) -> {});
  /** The mixture of experts of a family that has one; {@link #FEED_FORWARD} writes it. */
  public static final ModelOption<Optional<Experts>> EXPERTS = ExpertsOption.row("experts");
  /** Whether linear layers have biases. */
  public static final ModelOption<Boolean> BIASES = flag("biases", "biased", "unbiased", ModelSpec::biases,
      (b, value) -> b.biases = value, m -> m.biases() ? "biases" : "no biases");
  /** Whether the head is the embedding. */
  public static final ModelOption<Boolean> TIED = flag("tied", "tied", "untied", ModelSpec::tied,
      (b, value) -> b.tied = value, m -> m.tied() ? "head tied to the embedding" : "head of its own");

  /** Whether each head's queries and keys have an RMSNorm of their own, as in Qwen3. */
  public static final ModelOption<Boolean> QK_NORM = flag("qk_norm", "qknorm", "noqknorm", ModelSpec::qkNorm,
      (b, value) -> b.qkNorm = value, m -> m.qkNorm() ? "RMSNorm of each head's queries and keys" : "")
      .writtenIf(ModelSpec::qkNorm);

  /** What lets the tokens of each block see each other: attention or a recurrence. */
  public static final ModelOption<List<Mixer>> MIXERS = Mixer.row("mixers");

  /** The places where blocks have Canon layers. */
  public static final ModelOption<List<CanonLayer>> CANON = CanonLayer.row("canon");

  /** Adapters of low rank, which alone are trained. */
  public static final ModelOption<Optional<LowRank>> LOW_RANK = LowRank.row("lora_rank");

  /** A memory that is read by the last tokens, and the blocks that have it. */
  public static final ModelOption<Optional<NgramMemory>> NGRAMS = NgramMemory.row("ngram_slots");

  /** How often a token goes through all blocks, each time with the same weights. */
  public static final ModelOption<Integer> LOOPS = whole("loops", "loops", _ -> ModelSpec.MOST_LOOPS,
      ModelSpec::loops, (b, value) -> b.loops = value,
      m -> m.loops() == 1 ? "" : "all blocks " + m.loops() + " times").writtenIf(m -> m.loops() > 1);

  /** Every option, in the order of {@code run.json}, from which a run's name is computed: new ones come last. */
  public static final List<ModelOption<?>> ALL = List.of(HEAD_WIDTH, KEY_HEADS, ATTENTION_WINDOW, MASK,
      POSITIONS, NORM, FEED_FORWARD, ACTIVATION, EXPERTS, BIASES, TIED, QK_NORM, CANON, MIXERS, LOW_RANK,
      LOOPS, NGRAMS);
  /** The options that a model's name has, in the order of the name. */
  static final List<ModelOption<?>> IN_NAMES = List.of(HEAD_WIDTH, MIXERS, KEY_HEADS, ATTENTION_WINDOW, NORM,
      FEED_FORWARD, ACTIVATION, BIASES, TIED, QK_NORM, CANON, POSITIONS, MASK, EXPERTS, LOOPS, NGRAMS,
      LOW_RANK);

  private static ModelOption<Integer> whole(String key, String letter, Function<ModelSpec, Integer> most,
      Function<ModelSpec, Integer> get, BiConsumer<ModelSpec.Builder, Integer> set,
      Function<ModelSpec, String> phrase) {
    return new ModelOption<>(key, Suffix.whole(letter, get),
        (values, named) -> (int) values.integer(key, 1, most.apply(named), get.apply(named)), get, set,
        (model, settings) -> settings.put(key, get.apply(model)), phrase);
  }

  private static ModelOption<Optional<Integer>> attentionWindow(String key) {
    return new ModelOption<>(key, Suffix.optional("a", ModelSpec::attentionWindow),
        (values, named) -> values.has(key)
            ? Optional.of((int) values.integer(key, 1, MOST_TOKENS))
            : named.attentionWindow(),
        ModelSpec::attentionWindow, (b, value) -> b.attentionWindow = value,
        (model, settings) -> settings.put(key, model.attentionWindow()),
        model -> model.attentionWindow().map(tokens -> "queries see " + tokens + " tokens").orElse(""));
  }

  private static <E extends Enum<E>> ModelOption<E> choice(String key, Class<E> type,
      UnaryOperator<String> word, Function<ModelSpec, E> get, BiConsumer<ModelSpec.Builder, E> set,
      Function<ModelSpec, String> phrase) {
    return new ModelOption<>(key, Suffix.words(type, word, get),
        (values, named) -> values.choice(key, type, get.apply(named)), get, set,
        (model, settings) -> settings.put(key, get.apply(model)), phrase);
  }

  private static ModelOption<Boolean> flag(String key, String yes, String no,
      Function<ModelSpec, Boolean> get, BiConsumer<ModelSpec.Builder, Boolean> set,
      Function<ModelSpec, String> phrase) {
    return new ModelOption<>(key, Suffix.flag(yes, no, get),
        (values, named) -> values.flag(key, get.apply(named)), get, set,
        (model, settings) -> settings.put(key, get.apply(model)), phrase);
  }

  private ModelOption<T> written(BiConsumer<ModelSpec, Map<String, Object>> other) {
    return new ModelOption<>(key, suffix, reading, get, set, other, phrase);
  }

  /**
   * This option, but written to {@code run.json} only for models that have it; so the names of runs from before a
   * new option stay.
   */
  private ModelOption<T> writtenIf(Predicate<ModelSpec> has) {
    return written((model, settings) -> {
      if (has.test(model)) {
        setting.accept(model, settings);
      }
    });
  }

  /** A model in words: the phrases of all options. */
  public static String describe(ModelSpec model) {
    return ALL.stream()
        .map(option -> option.phrase().apply(model))
        .filter(phrase -> !phrase.isEmpty())
        .collect(Collectors.joining(", "));
  }

  /** Sets this option of the model to the value that a mapping gives. */
  public void read(OptionValues values, ModelSpec named, ModelSpec.Builder model) {
    set.accept(model, reading.apply(values, named));
  }

  /** Sets this option of the model to the value that a name gives. */
  void parse(String text, ModelSpec plain, ModelSpec.Builder model) {
    set.accept(model, suffix.parse().apply(text, plain));
  }

  /** The suffix of a name; empty if the model does not differ from its family in this option. */
  String print(ModelSpec model, ModelSpec plain) {
    return suffix.print().apply(get.apply(model), plain);
  }
}
