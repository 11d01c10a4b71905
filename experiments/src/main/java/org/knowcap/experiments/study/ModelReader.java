package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.knowcap.experiments.UserException;
import org.knowcap.models.architecture.Activation;
import org.knowcap.models.architecture.Experts;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.FeedForward;
import org.knowcap.models.architecture.Mask;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Norm;
import org.knowcap.models.architecture.Positions;
import org.knowcap.models.architecture.Rotary;
import tools.jackson.databind.JsonNode;

/** Reads the models of a study file. */
final class ModelReader {
  private final Path file;
  private final IntSupplier vocabulary;
  private final List<String> remarks;

  /**
   * @param vocabulary tokens of the study's corpus; asked for only where a model is given by its number of parameters
   * @param remarks receives how an entry was understood, where the study leaves it open
   */
  ModelReader(Path file, IntSupplier vocabulary, List<String> remarks) {
    this.file = file;
    this.vocabulary = vocabulary;
    this.remarks = remarks;
  }

  /** One model; or, for a family and a number of parameters, one of each depth. */
  List<ModelSpec> models(JsonNode node) {
    if (!node.isObject() || !node.has("family")) {
      return List.of(model(node));
    }
    Fields fields = new Fields(file, "models", node);
    String prefix = fields.text("family");
    Family family = Family.named(prefix)
        .orElseThrow(() -> fields.wrongText("family", "one of " + Family.prefixes(), prefix));
    long parameters = fields.integer("parameters", 1, Integer.MAX_VALUE);
    int headWidth = (int) fields.integer("head_width", 1, 1024, ModelSpec.PAPER_HEAD_WIDTH);
    List<Long> depths = fields.integers("depths", 1, 9999);
    fields.requireNoOthers();
    int tokens = vocabulary.getAsInt();
    List<ModelSpec> models = new ArrayList<>();
    for (long depth : depths) {
      ModelSpec model = checked("models", () -> family.nearest(parameters, (int) depth, headWidth, tokens));
      long found = model.parameters(tokens).total();
      remarks
          .add(String.format(Locale.ROOT, "%s: %,d parameters with V = %d, %.1f %% %s than the %,d asked for",
              model.name(), found, tokens, 100.0 * Math.abs(found - parameters) / parameters,
              found < parameters ? "fewer" : "more", parameters));
      models.add(model);
    }
    return models;
  }

  private ModelSpec model(JsonNode node) {
    if (!node.isString() && !node.isObject()) {
      throw UserException
          .usage(file + ": 'models' must hold names such as gpt2-2-4 or mappings with 'name', found " + node);
    }
    if (node.isString()) {
      return checked("models", () -> ModelSpec.parse(node.asString()));
    }
    Fields fields = new Fields(file, "models", node);
    String name = fields.text("name");
    ModelSpec named = checked("models.name", () -> ModelSpec.parse(name));
    int headWidth = (int) fields.integer("head_width", 1, 1024, named.headWidth());
    Positions positions = positions(fields, named);
    int keyHeads = (int) fields.integer("key_heads", 1, named.heads(), named.keyHeads());
    int reach = (int) fields.integer("attention_window", 1, TrainingReader.MOST_TOKENS,
        named.attentionWindow().map(Integer::longValue).orElse(TrainingReader.MOST_TOKENS));
    Mask mask = fields.choice("mask", Mask.class, named.mask());
    Norm norm = fields.choice("norm", Norm.class, named.norm());
    FeedForward.Form form = fields.choice("feed_forward", FeedForward.Form.class, named.feedForward().form());
    Activation activation = fields.choice("activation", Activation.class, named.feedForward().activation());
    boolean biases = fields.flag("biases", named.biases());
    boolean tied = fields.flag("tied", named.tied());
    FeedForward feedForward = named.feedForward().experts().isPresent()
        ? named.feedForward().with(experts(fields, named.feedForward().experts().get()))
        : named.feedForward();
    fields.requireNoOthers();
    return checked("models", () -> {
      ModelSpec model = named.withHeadWidth(headWidth, positions)
          .withKeyHeads(keyHeads)
          .withMask(mask)
          .withNorm(norm)
          .withFeedForward(feedForward.with(form).with(activation))
          .withBiases(biases)
          .withTied(tied);
      return reach < TrainingReader.MOST_TOKENS ? model.withAttentionWindow(reach) : model;
    });
  }

  /** Each kind of positions has the settings that its formula has; others are unknown keys. */
  private Positions positions(Fields fields, ModelSpec named) {
    String kind = fields.text("positions", named.positions().kind());
    return switch (kind) {
      case "rotary" -> rotary(fields, named);
      case "ntk" -> {
        Rotary rotary = rotary(fields, named);
        double scale = named.positions() instanceof Positions.Ntk ntk
            ? fields.number("ntk_scale", ntk.scale())
            : fields.number("ntk_scale");
        yield checked("models.ntk_scale", () -> new Positions.Ntk(rotary, scale));
      }
      case "rerope" -> {
        Rotary rotary = rotary(fields, named);
        int window = reropeWindow(fields,
            named.positions() instanceof Positions.Rerope rerope
                ? Optional.of(rerope.window())
                : Optional.empty());
        yield new Positions.Rerope(rotary, window);
      }
      case "leaky-rerope" -> {
        Rotary rotary = rotary(fields, named);
        Optional<Positions.LeakyRerope> leaky = named.positions() instanceof Positions.LeakyRerope found
            ? Optional.of(found)
            : Optional.empty();
        int window = reropeWindow(fields, leaky.map(Positions.LeakyRerope::window));
        double slowness = leaky.isPresent()
            ? fields.number("rerope_slowness", leaky.get().slowness())
            : fields.number("rerope_slowness");
        yield checked("models.rerope_slowness", () -> new Positions.LeakyRerope(rotary, window, slowness));
      }
      case "alibi" -> new Positions.Alibi();
      case "learned" -> new Positions.Learned((int) (named.positions() instanceof Positions.Learned learned
          ? fields.integer("learned_positions", 1, TrainingReader.MOST_TOKENS, learned.length())
          : fields.integer("learned_positions", 1, TrainingReader.MOST_TOKENS)));
      case "none" -> new Positions.None();
      default -> throw fields.wrongText("positions",
          "rotary, ntk, rerope, leaky-rerope, alibi, learned or none", kind);
    };
  }

  private static int reropeWindow(Fields fields, Optional<Integer> named) {
    return (int) (named.isPresent()
        ? fields.integer("rerope_window", 1, TrainingReader.MOST_TOKENS, named.get())
        : fields.integer("rerope_window", 1, TrainingReader.MOST_TOKENS));
  }

  /** What is not said of a rotation is the named model's, or else its family's. */
  private Rotary rotary(Fields fields, ModelSpec named) {
    Rotary usual = named.positions().rotary().orElse(named.family().rotary());
    double fraction = fields.number("rotary_fraction", usual.fraction());
    double base = fields.number("rotary_base", usual.base());
    return checked("models", () -> new Rotary(fraction, base));
  }

  /** Keys of a family with experts; of others they are unknown. */
  private Experts experts(Fields fields, Experts named) {
    int count = (int) fields.integer("experts", 1, 9999, named.count());
    Experts.Choice choice = fields.choice("choice", Experts.Choice.class, named.choice());
    boolean chosen = choice != named.choice();
    int topK = (int) fields.integer("top_k", 1, 9999, chosen ? 1 : named.topK());
    Optional<Double> capacity = factor(fields, "capacity_factor", named.capacityFactor());
    Optional<Double> test = factor(fields, "test_capacity_factor",
        choice == Experts.Choice.EXPERTS ? capacity : named.testCapacityFactor());
    int every = (int) fields.integer("experts_every", 1, 9999, named.every());
    int shared = (int) fields.integer("shared_experts", 0, 9999, named.shared());
    double balance = fields.number("balance_loss", choice == Experts.Choice.EXPERTS ? 0 : named.balance());
    double zLoss = fields.number("z_loss", named.zLoss());
    return checked("models",
        () -> new Experts(count, choice, topK, capacity, test, every, shared, balance, zLoss));
  }

  private static Optional<Double> factor(Fields fields, String key, Optional<Double> absent) {
    return fields.has(key)
        ? fields.isText(key, "none") ? Optional.empty() : Optional.of(fields.number(key))
        : absent;
  }

  private <T> T checked(String key, Supplier<T> constructor) {
    return Fields.checked(file, key, constructor);
  }
}
