package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.function.Supplier;
import org.knowcap.models.program.MasterWeights;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Optimiser.Muon.AdjustLearningRate;
import org.knowcap.models.program.Orthogonaliser;

/** Reads how a step changes parameters: optimiser, weight decays, clipping, accumulation, master weights. */
public final class UpdateRuleReader {
  private static final double WEIGHT_DECAY = 0.01;
  private static final int MOST_BATCHES = 1 << 20;

  private final Fields fields;

  private UpdateRuleReader(Fields fields) {
    this.fields = fields;
  }

  /** Reads the update rule from the keys of a study's training. */
  static UpdateRule read(Fields training) {
    return new UpdateRuleReader(training).updateRule();
  }

  /**
   * An optimiser with its defaults.
   *
   * @param option of the command line that names it, for complaints
   */
  public static Optimiser named(String option, String name) {
    return read(new Fields(Path.of(option), "", Json.MAPPER.createObjectNode().put("optimiser", name)))
        .optimiser();
  }

  private UpdateRule updateRule() {
    Decays decays = decays();
    Optimiser optimiser = optimiser(decays.matrices);
    double clip = fields.number("gradient_clip", 0);
    int accumulation = (int) fields.integer("accumulation", 1, MOST_BATCHES, 1);
    MasterWeights masterWeights = fields.choice("master_weights", MasterWeights.class, MasterWeights.FP32);
    if (clip < 0) {
      throw fields.wrongText("gradient_clip", "a length above 0, or 0 for no clipping",
          Double.toString(clip));
    }
    return checked(() -> new UpdateRule(optimiser, decays.embeddings, decays.vectors,
        clip == 0 ? OptionalDouble.empty() : OptionalDouble.of(clip), accumulation, masterWeights));
  }

  private record Decays(double embeddings, double matrices, double vectors) {}

  /** Weight decays: one number for embeddings and matrices, or one for each group. */
  private Decays decays() {
    if (!fields.holdsMapping("weight_decay")) {
      double both = fields.number("weight_decay", WEIGHT_DECAY);
      return new Decays(both, both, 0);
    }
    Fields groups = fields.mapping("weight_decay");
    double matrices = groups.number("matrices", WEIGHT_DECAY);
    Decays decays = new Decays(groups.number("embeddings", matrices), matrices, groups.number("vectors", 0));
    groups.requireNoOthers();
    return decays;
  }

  /** Each optimiser has the settings that its formula has; others are unknown keys. */
  private Optimiser optimiser(double weightDecay) {
    String name = fields.text("optimiser", "adamw");
    return switch (name) {
      case "adamw" -> adamW(weightDecay);
      case "adafactor" -> {
        double clipThreshold = fields.number("clip_threshold", 1);
        boolean relativeStep = fields.flag("relative_step", false);
        yield checked(() -> new Optimiser.Adafactor(clipThreshold, relativeStep, weightDecay));
      }
      case "lion" -> {
        double beta1 = fields.number("beta1", 0.9);
        double beta2 = fields.number("beta2", 0.99);
        yield checked(() -> new Optimiser.Lion(beta1, beta2, weightDecay));
      }
      case "tiger" -> {
        double beta1 = fields.number("beta1", 0.965);
        yield checked(() -> new Optimiser.Tiger(beta1, weightDecay));
      }
      case "sgd" -> {
        double momentum = fields.number("momentum", 0.9);
        yield checked(() -> new Optimiser.Sgd(momentum, weightDecay));
      }
      case "muon" -> {
        Optimiser.AdamW others = adamW(weightDecay);
        Orthogonaliser orthogonaliser = fields.choice("orthogonaliser", Orthogonaliser.class,
            Orthogonaliser.NEWTON_SCHULZ);
        int steps = (int) fields.integer("orthogonaliser_steps", 1, Optimiser.Muon.MOST_STEPS, 5);
        double momentum = fields.number("momentum", 0.95);
        boolean nesterov = fields.flag("nesterov", true);
        AdjustLearningRate adjust = fields.choice("adjust_learning_rate", AdjustLearningRate.class,
            AdjustLearningRate.MATCH_RMS_ADAMW);
        yield checked(() -> new Optimiser.Muon(orthogonaliser, steps, momentum, nesterov, adjust,
            others.beta1(), others.beta2(), others.epsilon(), weightDecay));
      }
      default -> throw fields.wrongText("optimiser", "adamw, adafactor, lion, tiger, sgd or muon", name);
    };
  }

  private Optimiser.AdamW adamW(double weightDecay) {
    double beta1 = fields.number("beta1", 0.9);
    double beta2 = fields.number("beta2", 0.98);
    double epsilon = fields.number("epsilon", 1e-6);
    return checked(() -> new Optimiser.AdamW(beta1, beta2, epsilon, weightDecay));
  }

  private <T> T checked(Supplier<T> constructor) {
    return fields.checkedAll(constructor);
  }
}
