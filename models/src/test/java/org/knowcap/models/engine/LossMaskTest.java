package org.knowcap.models.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.EngineParityTest.Variant;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.reference.ReferenceSession;
import org.knowcap.testing.TestSeed;

/** Tokens without a target: their loss is 0, and a step learns from the mean over the others. */
@Tag("parity")
class LossMaskTest {
  private static final int VOCABULARY = 37;
  private static final Optimiser.AdamW GRADIENT_READER = new Optimiser.AdamW(0, 0.5, 1e-6, 0.01);

  private final long seed = TestSeed.value();
  private final Random random = new Random(seed);

  static List<Variant> variants() {
    return EngineParityTest.variants();
  }

  private static Program program(String model, int accumulation) {
    return program(model, accumulation, 50);
  }

  private static Program program(String model, int accumulation, int length) {
    UpdateRule by = UpdateRule.by(GRADIENT_READER);
    return Program.training(ModelSpec.parse(model), VOCABULARY, 3, length, by.withAccumulation(accumulation));
  }

  /** About a third of the targets are missing, among them the last of each window, and of another window all but the first. */
  private int[] targets(Program program) {
    int[] targets = random.ints(program.stepRows(), 0, VOCABULARY)
        .map(target -> random.nextInt(3) == 0 ? Targets.NONE : target)
        .toArray();
    for (int row = 0; row < targets.length; row++) {
      if (row % program.length() == program.length() - 1 || row > 0 && row < program.length()) {
        targets[row] = Targets.NONE;
      }
    }
    targets[0] = 5;
    return targets;
  }

  private int[] tokens(Program program) {
    return random.ints(program.stepRows(), 0, VOCABULARY).toArray();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("variants")
  void everyEngineAgreesWithTheReference(Variant variant) {
    for (int accumulation : List.of(1, 2)) {
      // Rows that are and that are not as many as whole vectors: the cpu engine has ways of its own for them.
      Program program = program("gpt2-1-2-w8", accumulation, accumulation == 1 ? 50 : 48);
      Map<String, float[]> start = Batches.parameters(program, 0.3, random);
      int[] tokens = tokens(program);
      int[] targets = targets(program);
      ReferenceSession reference = new ReferenceSession(program);
      reference.load(start);
      try (Session session = variant.compile(program)) {
        session.load(start);
        for (int step = 1; step <= 3; step++) {
          reference.step(tokens, targets, 0.01, step);
          session.step(tokens, targets, 0.01, step);
          assertEquals(reference.loss(), session.loss(), 5 * variant.tolerance(), "seed " + seed);
          assertClose(reference.state().get(StateBuffer.FIRST_MOMENT.key()),
              session.state().get(StateBuffer.FIRST_MOMENT.key()), step * variant.tolerance());
        }
        float[] losses = new float[program.stepRows()];
        session.losses(tokens, targets, losses);
        for (int row = 0; row < losses.length; row++) {
          assertEquals(targets[row] == Targets.NONE, losses[row] == 0, "seed " + seed + ", row " + row);
        }
        // A step with all targets is as if there had never been one without.
        int[] all = tokens(program);
        session.load(start);
        session.step(tokens, all, 0.01, 1);
        reference.load(start);
        reference.step(tokens, all, 0.01, 1);
        assertEquals(reference.loss(), session.loss(), 5 * variant.tolerance(), "seed " + seed);
        assertClose(reference.state().get(StateBuffer.FIRST_MOMENT.key()),
            session.state().get(StateBuffer.FIRST_MOMENT.key()), variant.tolerance());
      }
    }
  }

  private void assertClose(float[] expected, float[] found, double tolerance) {
    double scale = IntStream.range(0, expected.length)
        .mapToDouble(i -> Math.abs(expected[i]))
        .max()
        .orElseThrow();
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], tolerance * scale, "seed " + seed + ", element " + i);
    }
  }

  /** The reference's gradient is the slope of a mean that is taken here, from the losses of the tokens that have a target. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("programs")
  void theReferenceHasTheSlopeOfTheMeanOverTargets(Program program) {
    ReferenceSession reference = new ReferenceSession(program);
    reference.load(Batches.parameters(program, 0.3, random));
    int[] tokens = tokens(program);
    int[] targets = targets(program);
    double[] gradient = reference.gradient(tokens, targets);
    double scale = Arrays.stream(gradient).map(Math::abs).max().orElseThrow();
    double[] parameters = reference.parameters();
    for (int i : random.ints(25, 0, parameters.length).toArray()) {
      double was = parameters[i];
      double[] means = new double[2];
      for (int side = 0; side < 2; side++) {
        parameters[i] = was + (2 * side - 1) * 1e-5;
        means[side] = mean(program, reference, tokens, targets);
      }
      parameters[i] = was;
      assertEquals((means[1] - means[0]) / 2e-5, gradient[i], 1e-6 * scale + 1e-9, "seed " + seed);
    }
  }

  static List<Program> programs() {
    return List.of(program("gpt2-1-2-w8", 1), program("llama-1-2-w8", 1));
  }

  private static double mean(Program program, ReferenceSession reference, int[] tokens, int[] targets) {
    // Losses with all targets in place, of which those that count are averaged.
    reference.meanLoss(tokens, Arrays.stream(targets).map(target -> Math.max(0, target)).toArray());
    double[] losses = reference.value(program.losses());
    return IntStream.range(0, targets.length)
        .filter(row -> targets[row] != Targets.NONE)
        .mapToDouble(row -> losses[row])
        .average()
        .orElseThrow();
  }

  /** Bit for bit: where nothing is hidden, nothing changes, and hidden tokens' targets are not looked at. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("variants")
  void hiddenTokensDoNotReachTheGradient(Variant variant) {
    // Of one window, the last tokens have no target: with causal attention nothing of them may be learnt.
    Program program = Program.training(ModelSpec.parse("gpt2-1-2-w8"), VOCABULARY, 1, 50,
        UpdateRule.by(GRADIENT_READER));
    Map<String, float[]> start = Batches.parameters(program, 0.3, random);
    int[] tokens = tokens(program);
    int[] targets = tokens(program);
    Arrays.fill(targets, 30, 50, Targets.NONE);
    int[] others = tokens.clone();
    for (int row = 30; row < 50; row++) {
      others[row] = (others[row] + 1) % VOCABULARY;
    }
    assertArrayEquals(gradient(variant, program, start, tokens, targets),
        gradient(variant, program, start, others, targets), (float) (variant.tolerance() * 1e-2),
        "seed " + seed);
  }

  private static float[] gradient(Variant variant, Program program, Map<String, float[]> start, int[] tokens,
      int[] targets) {
    try (Session session = variant.compile(program)) {
      session.load(start);
      session.step(tokens, targets, 0.01, 1);
      return session.state().get(StateBuffer.FIRST_MOMENT.key());
    }
  }
}
