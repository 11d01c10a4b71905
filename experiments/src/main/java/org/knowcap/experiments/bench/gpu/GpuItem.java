package org.knowcap.experiments.bench.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.UpdateRule;

/**
 * One thing to measure on a GPU, in a process of its own.
 *
 * @param argument which item of that kind; empty if the kind has one item
 */
public record GpuItem(Kind kind, String argument) {
  /** Kinds of items, and how they are written. */
  public enum Kind {
    /** The GPU and the libraries. */
    MACHINE("machine"),
    /** The speed of the GPU's matmuls and memory. */
    METER("meter[:SIZE]"),
    /** How far the cuda engine is from the cpu engine. */
    PARITY("parity:MODEL[+UPDATE]:PRECISION"),
    /** Tokens a second of a shape by itself. */
    SPEED("speed:SHAPE"),
    /** Tokens a second of eight runs that train as one. */
    FUSED("fused[:SHAPE]"),
    /** How long each launch of a step takes. */
    PROFILE("profile:SHAPE"),
    /** Whether transformers computes the losses of a trained model that Knowcap computes. */
    EXPORT("export:MODEL"),
    /** Tokens a second in PyTorch. */
    PEER("peer:SHAPE:MODE");

    private final String form;

    Kind(String form) {
      this.form = form;
    }

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  // Before what is made with it.
  private static final Pattern SHAPE = Pattern.compile("(.+)@(\\d{1,6})(?:x(\\d{1,6}))?(?:x(\\d{1,6}))?");
  /** Kinds that are not measured unless asked for. */
  private static final List<Kind> ASKED = List.of(Kind.PROFILE, Kind.EXPORT, Kind.PEER);

  /** The shapes of the paper's models that a study trains, at large batches, and one at the paper's small batch. */
  public static final List<TrainingShape> SHAPES = Stream
      .of("gpt2-2-2@96", "gpt2-4-4@96", "gpt2-8-8@96", "gpt2-12-12@96", "gpt2-moe32-4-4@96", "gpt2-2-2@12")
      .map(GpuItem::shape)
      .toList();
  /** Too small a step for a GPU by itself: the paper's smallest batch of its smallest model. */
  private static final String SMALL = "gpt2-2-2@12";
  private static final int PRODUCT = 8192;
  private static final int VOCABULARY = 3275;
  private static final int CONTEXT = 512;

  /**
   * Models whose gradients are compared: every family, odd widths, groups of heads, bands, tensor cores' widths,
   * experts that are chosen, turn tokens away, and choose, and each kind of positions and masks, on tensor cores and
   * not.
   */
  private static final List<String> COMPARED = List.of("gpt2-2-2", "gpt2-2-3-w24", "gpt2-quarter-1-2-w32",
      "gpt2-nomlp-2-2-w16", "llama-2-2", "llama-1-2-w128", "mistral-2-4-k2-a40", "mistral-1-4-w20-k1",
      "gpt2-moe8-2-2", "glam5-2-2-w24-cap0.5", "mixtral4-1-2-w32", "gpt2-moe4-1-2-w32-expertchoice",
      "llama-1-2-w32-alibi-document", "llama-1-3-w20-alibi", "gpt2-1-2-w32-rerope40",
      "mistral-1-4-w20-k2-leaky20k3-document");
  /**
   * The model whose updates are compared. It has no biases, because the bias of keys has only a rounding error as
   * gradient, and Adafactor makes full steps of it.
   */
  private static final String UPDATED = "llama-2-2";
  /** With beta1 = 0 the first moment after a step is the gradient. */
  static final UpdateRule PLAIN = UpdateRule.by(new Optimiser.AdamW(0, 0.98, 1e-6, 0.01));
  private static final Map<String, UpdateRule> UPDATES = Map.of("clipped",
      PLAIN.withDecays(0.1, 0.2).withClip(0.1).withAccumulation(2), "adafactor",
      UpdateRule.by(new Optimiser.Adafactor(1, true, 0.01)), "sgd",
      UpdateRule.by(new Optimiser.Sgd(0.9, 0.01)), "muon",
      UpdateRule.by(new Optimiser.Muon(Orthogonaliser.NEWTON_SCHULZ, 5, 0.95, true,
          Optimiser.Muon.AdjustLearningRate.MATCH_RMS_ADAMW, 0.9, 0.98, 1e-6, 0.01)));
  /** One model for each class of transformers that models are exported to. */
  private static final List<String> EXPORTED = List.of("gpt2-2-2", "llama-2-2", "mistral-2-4-k2",
      "mixtral4-2-2");
  static final List<String> MODES = List.of("eager", "compile", "max-autotune");

  /** A shape by its short name, MODEL@BATCH[xCONTEXT[xVOCABULARY]]. */
  public static TrainingShape shape(String name) {
    Matcher matcher = SHAPE.matcher(name);
    if (!matcher.matches()) {
      throw UserException.usage("a shape is MODEL@BATCH[xCONTEXT[xVOCABULARY]], such as gpt2-2-2@96 for "
          + CONTEXT + " tokens of context and " + VOCABULARY + " of vocabulary, found '" + name + "'");
    }
    TrainingShape shape = new TrainingShape(model(matcher.group(1)), number(matcher.group(4), VOCABULARY),
        number(matcher.group(3), CONTEXT), number(matcher.group(2), 0));
    if (shape.windows() < 1 || shape.length() < 2 || shape.vocabulary() < 2) {
      throw UserException.usage(
          "a shape has at least one sequence of two tokens and two kinds of tokens, found '" + name + "'");
    }
    return shape;
  }

  private static int number(String digits, int otherwise) {
    return digits == null ? otherwise : Integer.parseInt(digits);
  }

  private static ModelSpec model(String name) {
    try {
      return ModelSpec.parse(name);
    } catch (IllegalArgumentException e) {
      throw UserException.usage(e.getMessage());
    }
  }

  /** The short name of a shape. */
  public static String name(TrainingShape shape) {
    return shape.model().name() + "@" + shape.windows()
        + (shape.length() == CONTEXT && shape.vocabulary() == VOCABULARY ? "" : "x" + shape.length())
        + (shape.vocabulary() == VOCABULARY ? "" : "x" + shape.vocabulary());
  }

  /** Everything that can be asked for by name. */
  public static List<GpuItem> all() {
    List<GpuItem> all = new ArrayList<>(List.of(new GpuItem(Kind.MACHINE, ""), new GpuItem(Kind.METER, "")));
    for (Precision precision : List.of(Precision.FP32, Precision.BF16)) {
      String word = ":" + precision.name().toLowerCase(Locale.ROOT);
      COMPARED.forEach(model -> all.add(new GpuItem(Kind.PARITY, model + word)));
      UPDATES.keySet()
          .stream()
          .sorted()
          .forEach(update -> all.add(new GpuItem(Kind.PARITY, UPDATED + "+" + update + word)));
    }
    SHAPES.forEach(shape -> all.add(new GpuItem(Kind.SPEED, name(shape))));
    all.add(new GpuItem(Kind.FUSED, SMALL));
    SHAPES.forEach(shape -> all.add(new GpuItem(Kind.PROFILE, name(shape))));
    EXPORTED.forEach(model -> all.add(new GpuItem(Kind.EXPORT, model)));
    SHAPES.forEach(shape -> MODES.forEach(mode -> all.add(new GpuItem(Kind.PEER, name(shape) + ":" + mode))));
    return all;
  }

  /**
   * The items that words name; each word is an item or a kind of items.
   *
   * @param words empty for the items that are measured by default
   * @param peer whether PyTorch is measured too, where no words say so
   */
  public static List<GpuItem> chosen(List<String> words, boolean peer) {
    if (words.isEmpty()) {
      return all().stream()
          .filter(item -> !ASKED.contains(item.kind) || peer && item.kind == Kind.PEER)
          .toList();
    }
    return words.stream().flatMap(word -> {
      Predicate<GpuItem> ofKind = item -> item.kind.word().equals(word);
      return all().stream().anyMatch(ofKind) ? all().stream().filter(ofKind) : Stream.of(parse(word));
    }).distinct().toList();
  }

  /** Reads an item as it is written. */
  public static GpuItem parse(String word) {
    int colon = word.indexOf(':');
    String kind = colon < 0 ? word : word.substring(0, colon);
    String argument = colon < 0 ? "" : word.substring(colon + 1);
    Kind found = Stream.of(Kind.values())
        .filter(each -> each.word().equals(kind))
        .findFirst()
        .orElseThrow(() -> UserException.usage("there is no item '" + word + "'; items are "
            + Stream.of(Kind.values()).map(each -> each.form).collect(Collectors.joining(", "))
            + "; --list prints them"));
    GpuItem item = new GpuItem(found, argument);
    switch (found) {
      case MACHINE -> {
        if (!argument.isEmpty()) {
          throw UserException.usage("'machine' stands alone, found '" + word + "'");
        }
      }
      case METER -> item.size();
      case PARITY -> {
        item.precision();
        item.updateRule();
        item.model();
      }
      case SPEED, PROFILE, FUSED -> item.shape();
      case EXPORT -> item.model();
      case PEER -> {
        item.shape();
        item.mode();
      }
    }
    return item;
  }

  /** The item as text, such as "speed:gpt2-2-2@96". */
  public String id() {
    return kind.word() + (argument.isEmpty() ? "" : ":" + argument);
  }

  private String last() {
    return argument.substring(argument.lastIndexOf(':') + 1);
  }

  private String first() {
    int colon = argument.lastIndexOf(':');
    return colon < 0 ? argument : argument.substring(0, colon);
  }

  /** The shape of the item, which must have one. */
  TrainingShape shape() {
    return shape(kind == Kind.FUSED && argument.isEmpty() ? SMALL : kind == Kind.PEER ? first() : argument);
  }

  /** Rows and columns of the meter's matmul. */
  int size() {
    if (!argument.isEmpty() && !argument.matches("[1-9]\\d{0,4}")) {
      throw UserException.usage("the meter's size is 1 to 99999 rows and columns, found '" + id() + "'");
    }
    return argument.isEmpty() ? PRODUCT : Integer.parseInt(argument);
  }

  String mode() {
    if (!MODES.contains(last())) {
      throw UserException.usage("a peer's mode is one of " + MODES + ", found '" + id() + "'");
    }
    return last();
  }

  Precision precision() {
    return switch (last()) {
      case "fp32" -> Precision.FP32;
      case "bf16" -> Precision.BF16;
      default -> throw UserException
          .usage("a comparison ends with :fp32 or :bf16, such as parity:gpt2-2-2:bf16, found '" + id() + "'");
    };
  }

  /** The model of the item, which must have only a model. */
  ModelSpec model() {
    String name = kind == Kind.PARITY ? first() : argument;
    return model(name.contains("+") ? name.substring(0, name.indexOf('+')) : name);
  }

  UpdateRule updateRule() {
    int plus = argument.indexOf('+');
    if (plus < 0) {
      return PLAIN;
    }
    String update = first().substring(plus + 1);
    if (!UPDATES.containsKey(update)) {
      throw UserException.usage("an update compared is one of " + UPDATES.keySet().stream().sorted().toList()
          + ", found '" + id() + "'");
    }
    return UPDATES.get(update);
  }

  /**
   * Seconds that it takes at most, roughly, on a GPU of the Hopper kind, with the start of its process.
   *
   * @param seconds that a speed is measured for
   */
  double expectedSeconds(double seconds) {
    return switch (kind) {
      case MACHINE -> 3;
      case METER, PARITY -> 8;
      case SPEED -> 10 + seconds;
      case FUSED -> 12 + 2 * seconds;
      case PROFILE -> 12;
      case EXPORT -> 40;
      case PEER -> seconds + switch (mode()) {
        case "eager" -> 15;
        case "compile" -> 45;
        default -> 80;
      };
    };
  }

  /** Whether several items of this kind may be measured at a time, because nothing is timed. */
  boolean isUntimed() {
    return kind == Kind.PARITY;
  }
}
