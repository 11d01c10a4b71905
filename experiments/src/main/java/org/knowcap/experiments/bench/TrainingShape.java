package org.knowcap.experiments.bench;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.architecture.ModelSpec;

/**
 * A training step to be timed.
 *
 * @param vocabulary V
 * @param length tokens of a window, T
 * @param windows of a step
 */
public record TrainingShape(ModelSpec model, int vocabulary, int length, int windows) {
  /**
   * The shapes that are measured: steps of the quickstart, of small studies and of models that fit a core's cache,
   * up to the paper's smallest model of 12 layers.
   */
  public static final List<TrainingShape> ALL = List.of(
      new TrainingShape(ModelSpec.parse("gpt2-2-1-w16"), 150, 64, 8),
      new TrainingShape(ModelSpec.parse("gpt2-2-2-w16"), 150, 64, 8),
      new TrainingShape(ModelSpec.parse("gpt2-2-3-w16"), 150, 64, 8),
      new TrainingShape(ModelSpec.parse("gpt2-2-1-w32"), 256, 128, 32),
      new TrainingShape(ModelSpec.parse("gpt2-2-4-w16"), 256, 128, 4),
      new TrainingShape(ModelSpec.parse("gpt2-2-2"), 3275, 512, 8),
      new TrainingShape(ModelSpec.parse("gpt2-4-4"), 3275, 512, 8),
      new TrainingShape(ModelSpec.parse("gpt2-12-12"), 3275, 512, 2));

  /** The token that separates documents, for models whose tokens see only their own. */
  private static final int SEPARATOR = 0;

  public String name() {
    return model.name() + ", V " + vocabulary + ", " + windows + " windows of " + length;
  }

  /** R, tokens of a step. */
  public int tokens() {
    return windows * length;
  }

  /**
   * Floating-point operations of the training of one token, forward and backward: matmuls with parameters (of an
   * expert only if the token can have a slot there), and the causal half of attention's matmuls. For GPT2 these are
   * 6 (12 L d^2 + V d) + 6 L d (T + 1).
   */
  public double flopsPerToken() {
    return (double) program().flops() / tokens();
  }

  public Program program() {
    return Program.training(model, new TokenIds(vocabulary, SEPARATOR), windows, length,
        new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.01));
  }

  /** Ids to train on, [R]: their values do not matter to speed. */
  public int[] ids(long seed) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    return random.ints(tokens(), 0, vocabulary).toArray();
  }
}
