package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.knowcap.experiments.UserException;
import org.knowcap.models.architecture.ModelOption;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.quantisation.Quantiser;
import org.knowcap.models.quantisation.RoundToNearest;
import org.knowcap.models.training.LearningRateShape;
import org.knowcap.models.training.Schedule;

/** Reads how the runs of a study file are trained. */
final class TrainingReader {
  /** The most tokens of a step. */
  static final long MOST_TOKENS = ModelOption.MOST_TOKENS;

  private static final String WARMUP_STEPS = "warmup_steps";
  private static final String WARMUP_FRACTION = "warmup_fraction";
  private static final String TUNING = "tuning_learning_rate";
  private static final String WEIGHTS = "weights";
  private static final double USUAL_WARMUP = 0.05;

  private final Path file;
  private final Function<String, Path> paths;

  /** @param paths where the folder of another run is, by its name in the study */
  TrainingReader(Path file, Function<String, Path> paths) {
    this.file = file;
    this.paths = paths;
  }

  /** The settings of each training that a study describes: all its lists are sweeps. */
  static List<Swept<Fields>> choices(Fields training) {
    return training.choices((_, _) -> false);
  }

  /** Reads one training for each choice from the lists. */
  List<Swept<TrainingSettings>> trainings(Fields fields) {
    List<Swept<TrainingSettings>> trainings = choices(fields).stream()
        .map(each -> new Swept<>(training(each.value()), each.label()))
        .toList();
    fields.requireDistinct(trainings);
    return trainings;
  }

  private TrainingSettings training(Fields fields) {
    fields.refuseRenamed("windows", "batch_size");
    int batchSize = (int) fields.integer("batch_size", 1, MOST_TOKENS, 12);
    int contextLength = contextLength(fields, batchSize);
    Packing packing = packing(fields);
    double learningRate = fields.number("learning_rate", 0.001);
    double finalFraction = fields.number("final_learning_rate_fraction", 0.1);
    LearningRateShape decay = fields.choice("decay", LearningRateShape.class, LearningRateShape.COSINE);
    OptionalDouble tuning = fields.has(TUNING)
        ? OptionalDouble.of(fields.number(TUNING))
        : OptionalDouble.empty();
    Precision precision = precision(fields);
    Optional<Quantiser> weights = fields.has(WEIGHTS) ? weights(fields.mapping(WEIGHTS)) : Optional.empty();
    UpdateRule updateRule = UpdateRuleReader.read(fields);
    Optional<Fields> start = fields.has("start") ? Optional.of(fields.mapping("start")) : Optional.empty();
    Warmup warmup = warmup(fields, start);
    Optional<InitialisationSpec> initialisation = start.map(this::start);
    fields.requireNoOthers();
    if ((long) batchSize * contextLength * updateRule.accumulation() > MOST_TOKENS) {
      throw fields
          .wrongText(
              "accumulation", "at most " + MOST_TOKENS / batchSize / contextLength + " with batches of "
                  + batchSize + " x " + contextLength + " tokens",
              Integer.toString(updateRule.accumulation()));
    }
    fields.checkedAll(() -> new Schedule(0, Long.MAX_VALUE, learningRate, finalFraction, decay));
    fields.checked(TUNING,
        () -> new Schedule(0, Long.MAX_VALUE, tuning.orElse(learningRate), finalFraction, decay));
    return new TrainingSettings(batchSize, contextLength, packing, learningRate, finalFraction, warmup, decay,
        tuning, precision, weights, updateRule, initialisation);
  }

  /** Tokens of a window. */
  static int contextLength(Fields training, int batchSize) {
    training.refuseRenamed("window", "context_length");
    return (int) training.integer("context_length", 2, MOST_TOKENS / batchSize, 512);
  }

  /** How texts are put into windows. */
  static Packing packing(Fields training) {
    return training.choice("packing", Packing.class, Packing.STREAM);
  }

  /** Reads the warm-up; a run that starts from another run may have none. */
  private Warmup warmup(Fields training, Optional<Fields> start) {
    boolean rewarm = start.map(fields -> fields.flag("rewarm", true)).orElse(true);
    boolean steps = training.has(WARMUP_STEPS);
    boolean fraction = training.has(WARMUP_FRACTION);
    if (!rewarm && (steps || fraction)) {
      throw UserException.usage(file + ": 'training.start.rewarm' is false, so 'training."
          + (steps ? WARMUP_STEPS : WARMUP_FRACTION) + "' must not be there; leave out one of them");
    }
    if (steps && fraction) {
      throw UserException.usage(file + ": 'training." + WARMUP_STEPS + "' and 'training." + WARMUP_FRACTION
          + "' both say how long the warm-up is; leave out one of them");
    }
    if (!rewarm || steps) {
      return new Warmup.Steps(training.integer(WARMUP_STEPS, 0, 1_000_000_000, 0));
    }
    double part = training.number(WARMUP_FRACTION, USUAL_WARMUP);
    return training.checked(WARMUP_FRACTION, () -> new Warmup.Fraction(part));
  }

  private InitialisationSpec start(Fields fields) {
    String name = fields.text("run") + "/" + InitialisationSpec.CHECKPOINT;
    boolean optimiser = fields.flag("optimiser", false);
    fields.requireNoOthers();
    return fields.checked("run", () -> InitialisationSpec.of(name, paths.apply(name), optimiser));
  }

  /** How weights are rounded in training; absent for fp32, which a list may have beside others. */
  private static Optional<Quantiser> weights(Fields fields) {
    String method = fields.text("method");
    Optional<Quantiser> quantiser = switch (method) {
      case "fp32" -> Optional.empty();
      case "rtn" -> {
        int bits = (int) fields.integer("bits", 2, 8);
        int group = (int) fields.integer("group", 1, Integer.MAX_VALUE, RoundToNearest.USUAL_GROUP);
        yield Optional.of(fields.checked("bits", () -> new RoundToNearest(bits, group)));
      }
      default -> Optional.of(Quantiser.fixed(method)
          .orElseThrow(
              () -> fields.wrongText("method", "fp32, rtn or one of " + Quantiser.fixedNames(), method)));
    };
    fields.requireNoOthers();
    return quantiser;
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
}
