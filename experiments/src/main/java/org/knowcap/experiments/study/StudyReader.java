package org.knowcap.experiments.study;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.knowcap.experiments.UserException;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.architecture.Activation;
import org.knowcap.models.architecture.Experts;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.FeedForward;
import org.knowcap.models.architecture.Mask;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Norm;
import org.knowcap.models.architecture.Positions;
import org.knowcap.models.architecture.Rotary;
import org.knowcap.models.training.LearningRateShape;
import org.knowcap.models.training.Schedule;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Reads a study file. Anything that could make a run fail for its input is refused here, before any run starts.
 */
public final class StudyReader {
  /** Name of the engine setting that leaves the choice to the machine. */
  public static final String AUTO = "auto";

  private static final YAMLMapper YAML = YAMLMapper.builder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .build();
  /** Tokens of a step. */
  private static final long MOST_TOKENS = 1 << 24;

  private final Path file;
  private final Function<String, Path> paths;

  private StudyReader(Path file, Function<String, Path> paths) {
    this.file = file;
    this.paths = paths;
  }

  /**
   * Reads a study; the directories and files it names are relative to its own.
   *
   * @throws UserException where the file is unreadable, or a key is unknown, missing, or of a wrong type or value
   */
  public static Study read(Path file) {
    return read(file, file::resolveSibling);
  }

  /**
   * Reads a study whose directories and files have been copied.
   *
   * @param paths where each is by now, by its name in the study
   * @throws UserException where the file is unreadable, or a key is unknown, missing, or of a wrong type or value
   */
  public static Study read(Path file, Function<String, Path> paths) {
    return new StudyReader(file, paths).study();
  }

  /**
   * Reads what of a study's bioR there is before its texts are; nothing else in the study matters yet.
   *
   * @return one for each number of people
   * @throws UserException where the file is unreadable, or its corpus is no bioR
   */
  public static List<RewritingSpec> rewritings(Path file) {
    StudyReader reader = new StudyReader(file, file::resolveSibling);
    Fields corpus = new Fields(file, "", reader.tree()).mapping("corpus");
    String kind = corpus.text("kind");
    if (!kind.equals("bioR")) {
      throw corpus.wrongText("kind", "bioR", kind);
    }
    List<RewritingSpec> rewritings = new CorpusReader(file, reader.paths).rewritings(corpus);
    corpus.requireNoOthers();
    return rewritings;
  }

  /** The corpora of a study file as they stand there. */
  static JsonNode corpusNode(Path file) {
    return new StudyReader(file, file::resolveSibling).tree().path("corpus");
  }

  private JsonNode tree() {
    try {
      return YAML.readTree(Files.readString(file));
    } catch (NoSuchFileException e) {
      throw UserException.usage(file + ": there is no such study file");
    } catch (CharacterCodingException e) {
      throw UserException.usage(file + ": the study file is not valid UTF-8");
    } catch (IOException e) {
      throw UserException.usage(file + ": the study file cannot be read (" + e.getMessage() + ")");
    } catch (JacksonException e) {
      throw UserException.usage(file + ", line " + e.getLocation().getLineNr() + ": no valid YAML: "
          + e.getOriginalMessage()
              .lines()
              .filter(line -> !line.startsWith(" ") && !line.startsWith("in "))
              .limit(2)
              .collect(Collectors.joining(", ")));
    }
  }

  private Study study() {
    Fields top = new Fields(file, "", tree());
    String name = top.text("name");
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
      throw UserException
          .usage(file + ": 'name' must be letters, digits, '.', '_' and '-', a letter or digit first, found '"
              + name + "'");
    }
    List<CorpusSpec> corpora = new CorpusReader(file, paths).corpora(top.mapping("corpus"));

    List<JsonNode> modelNodes = top.list("models",
        "a name such as gpt2-2-4, a mapping with 'name', or with 'family' and 'parameters', or a list of them",
        node -> node);
    List<Long> exposures = top.integers("exposures", 1, CorpusReader.MOST_EXPOSURES);
    List<Long> seeds = top.integers("seeds", 0, Long.MAX_VALUE, List.of(1L));
    String engine = top.text("engine", AUTO);
    if (!engine.equals(AUTO)) {
      checked("engine", () -> Engines.known(engine));
    }
    TrainingSettings training = training(top.mapping("training"));
    Fields measurement = top.mapping("measurement");
    long measuredPeople = measurement.integer("people", 2, CorpusReader.MOST_PEOPLE, 2000);
    measurement.requireNoOthers();
    top.requireNoOthers();
    int vocabulary = corpora.getFirst().corpus(seeds.getFirst()).vocabulary().size();
    List<String> remarks = new ArrayList<>();
    training.initialisation().ifPresent(start -> remarks.add(start.remark()));
    List<ModelSpec> models = modelNodes.stream()
        .flatMap(node -> models(node, vocabulary, remarks).stream())
        .toList();
    if (Set.copyOf(models).size() < models.size()) {
      throw UserException.usage(
          file + ": 'models' must hold none twice, found " + models.stream().map(ModelSpec::name).toList());
    }
    Study study = new Study(name, corpora, models, exposures, seeds, engine, training, measuredPeople,
        remarks);
    for (RunSpec run : study.runs()) {
      Corpus made = run.corpus();
      checkLength(run.corpusSpec(), made, training.contextLength());
      checkPositions(run.model(), made, training.contextLength());
      checked("training.warmup_steps", () -> run.schedule(made));
      training.initialisation().ifPresent(start -> checked("training.start", () -> {
        start.require(run.name(), run.identity(made), run.denseIdentity(made));
        return start;
      }));
      long parameters = run.model().parameters(made.vocabulary().size()).total();
      if (parameters > Integer.MAX_VALUE) {
        throw UserException
            .usage(file + ": 'models': " + run.model().name() + " with head width " + run.model().headWidth()
                + " has " + parameters + " parameters; at most " + Integer.MAX_VALUE + " can be trained");
      }
    }
    return study;
  }

  /**
   * Refuses values of bioD so long that a text fits into no window: it would be measured whole all the same, at places
   * and over distances that the model never met.
   */
  private void checkLength(CorpusSpec corpus, Corpus made, int contextLength) {
    switch (corpus) {
      case CorpusSpec.BioSSpec _,CorpusSpec.BioSSimpleSpec _ -> {
        // Some 70 tokens, whatever the study says.
      }
      case CorpusSpec.MixtureSpec mixture ->
          checkLength(mixture.ingredients().getFirst().source(), made.sources().getFirst(), contextLength);
      case CorpusSpec.RevisedSpec revised ->
          checkLength(revised.of(), made.sources().getFirst(), contextLength);
      case CorpusSpec.BioDSpec _,CorpusSpec.BioRSpec _ -> {
        if (made.longestItem() > contextLength) {
          throw UserException.usage(file + ": 'training.context_length' is " + contextLength
              + ", but a text of " + made.name() + " has up to " + made.longestItem()
              + " tokens: it is measured whole, and would never be seen "
              + "whole; give training a longer context, or shorten the texts");
        }
      }
    }
  }

  /** Learned positions need a place for every token of a contextLength, and training for every token of what is measured. */
  private void checkPositions(ModelSpec model, Corpus made, int contextLength) {
    checked("models: " + model.name(), () -> {
      model.positions().checkWindow(contextLength);
      return model;
    });
    int measured = made.longestItem() - 1;
    if (model.positions() instanceof Positions.Learned && measured > contextLength) {
      throw UserException.usage(file + ": 'training.context_length' is " + contextLength + ", but "
          + made.name() + " is measured over up to " + measured + " tokens, and " + model.name()
          + " would have learnt nothing of the positions beyond; give training a longer context");
    }
  }

  /** One model; or, for a family and a number of parameters, one of each depth. */
  private List<ModelSpec> models(JsonNode node, int vocabulary, List<String> remarks) {
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
    List<ModelSpec> models = new ArrayList<>();
    for (long depth : depths) {
      ModelSpec model = checked("models",
          () -> family.nearest(parameters, (int) depth, headWidth, vocabulary));
      long found = model.parameters(vocabulary).total();
      remarks
          .add(String.format(Locale.ROOT, "%s: %,d parameters with V = %d, %.1f %% %s than the %,d asked for",
              model.name(), found, vocabulary, 100.0 * Math.abs(found - parameters) / parameters,
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
    int reach = (int) fields.integer("attention_window", 1, MOST_TOKENS,
        named.window().map(Integer::longValue).orElse(MOST_TOKENS));
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
      return reach < MOST_TOKENS ? model.withWindow(reach) : model;
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
          ? fields.integer("learned_positions", 1, MOST_TOKENS, learned.length())
          : fields.integer("learned_positions", 1, MOST_TOKENS)));
      case "none" -> new Positions.None();
      default -> throw fields.wrongText("positions",
          "rotary, ntk, rerope, leaky-rerope, alibi, learned or none", kind);
    };
  }

  private static int reropeWindow(Fields fields, Optional<Integer> named) {
    return (int) (named.isPresent()
        ? fields.integer("rerope_window", 1, MOST_TOKENS, named.get())
        : fields.integer("rerope_window", 1, MOST_TOKENS));
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

  private TrainingSettings training(Fields fields) {
    fields.refuseRenamed("windows", "batch_size");
    fields.refuseRenamed("window", "context_length");
    int batchSize = (int) fields.integer("batch_size", 1, MOST_TOKENS, 12);
    int contextLength = (int) fields.integer("context_length", 2, MOST_TOKENS / batchSize, 512);
    double learningRate = fields.number("learning_rate", 0.001);
    double finalFraction = fields.number("final_learning_rate_fraction", 0.1);
    LearningRateShape decay = fields.choice("decay", LearningRateShape.class, LearningRateShape.COSINE);
    Precision precision = precision(fields);
    UpdateRule updateRule = UpdateRuleReader.read(fields);
    Optional<Fields> start = fields.has("start") ? Optional.of(fields.mapping("start")) : Optional.empty();
    long warmup = warmup(fields, start);
    Optional<InitialisationSpec> initialisation = start.map(this::start);
    fields.requireNoOthers();
    if ((long) batchSize * contextLength * updateRule.accumulation() > MOST_TOKENS) {
      throw fields
          .wrongText(
              "accumulation", "at most " + MOST_TOKENS / batchSize / contextLength + " with batches of "
                  + batchSize + " x " + contextLength + " tokens",
              Integer.toString(updateRule.accumulation()));
    }
    checked("training", () -> new Schedule(warmup, Long.MAX_VALUE, learningRate, finalFraction, decay));
    return new TrainingSettings(batchSize, contextLength, learningRate, finalFraction, warmup, decay,
        precision, updateRule, initialisation);
  }

  /** A run that goes on from another need not warm up again. */
  private long warmup(Fields training, Optional<Fields> start) {
    boolean rewarm = start.map(fields -> fields.flag("rewarm", true)).orElse(true);
    if (!rewarm && training.has("warmup_steps")) {
      throw UserException
          .usage(file + ": 'training.start.rewarm' is false, so 'training.warmup_steps' must not be"
              + " there; leave out one of them");
    }
    return rewarm ? training.integer("warmup_steps", 0, 1_000_000_000, 1000) : 0;
  }

  private InitialisationSpec start(Fields fields) {
    String name = fields.text("run") + "/" + InitialisationSpec.CHECKPOINT;
    boolean optimiser = fields.flag("optimiser", false);
    fields.requireNoOthers();
    return fields.checked("run", () -> InitialisationSpec.of(name, paths.apply(name), optimiser));
  }

  private Precision precision(Fields fields) {
    String name = fields.text("precision", "fp32");
    return switch (name) {
      case "fp32" -> Precision.FP32;
      case "bf16" -> Precision.BF16;
      case "auto" -> Precision.AUTO;
      default -> throw fields.wrongText("precision", "fp32, bf16 or auto", name);
    };
  }

  private <T> T checked(String key, Supplier<T> constructor) {
    return Fields.checked(file, key, constructor);
  }
}
