package org.knowcap.models.quantisation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.cpu.CpuEngine;
import org.knowcap.models.engine.nd4j.Nd4jEngine;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.testing.TestSeed;

/**
 * Training with rounded weights. The model that computes has the rounded weights; the optimiser changes the exact ones by that
 * model's gradient. An ordinary session that is given the rounded weights is the other derivation of both.
 */
@ExtendWith(TestSeed.class)
class StraightThroughTest {
  private static final int VOCABULARY = 11;
  private static final double RATE = 0.5;

  private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom")
      .create(TestSeed.value());

  private static Quantiser quantiser(String method) {
    return Quantiser.fixed(method).orElseGet(() -> new RoundToNearest(Integer.parseInt(method), 5));
  }

  private static Program program(String model) {
    UpdateRule plain = UpdateRule.by(new Optimiser.Sgd(0, 0)).withClip(1e9);
    return Program.training(ModelSpec.parse(model), VOCABULARY, 4, 9, plain);
  }

  private static Session session(Program program, int threads, Precision precision,
      Optional<Quantiser> weights) {
    return new CpuEngine().compile(program,
        new Execution(threads, precision, weights.map(StraightThrough::new)));
  }

  @ParameterizedTest
  @CsvSource({"gpt2-2-2-w8, 8, 1", "gpt2-2-2-w8, 2, 2", "llama-1-2-w8-tied, ternary, 1",
      "gpt2-1-2-w16, q8_0, 1", "gpt2-moe3-1-2-w8, 4, 1", "llama-1-4-w8, mxfp4, 2", "gpt2-1-2-w8, nvfp4, 1",
      "mistral-1-2-w8, fp8_e4m3, 1"})
  void theGradientIsThatOfTheRoundedModel(String model, String method, int threads) {
    Program program = program(model);
    Quantiser quantiser = quantiser(method);
    float[] exact = Batches.parameters(program, 0.3, random).get(Session.PARAMETERS);
    float[] rounded = QuantisedModel.of(program, exact, quantiser).parameters();
    assertTrue(!Arrays.equals(exact, rounded), "rounding changes something");
    Batches batch = Batches.random(program, VOCABULARY, random);
    try (Session trained = session(program, threads, Precision.FP32, Optional.of(quantiser));
        Session plain = session(program, threads, Precision.FP32, Optional.empty())) {
      trained.load(Map.of(Session.PARAMETERS, exact));
      plain.load(Map.of(Session.PARAMETERS, rounded));
      assertArrayEquals(exact, trained.state().get(Session.PARAMETERS), "a checkpoint has the exact weights");
      float[] losses = losses(trained, batch);
      assertArrayEquals(losses(plain, batch), losses, "and the model computes with the rounded ones");
      trained.step(batch.tokens(), batch.targets(), RATE, 1);
      plain.step(batch.tokens(), batch.targets(), RATE, 1);
      assertEquals(plain.loss(), trained.loss());
      assertEquals(plain.gradientNorm(), trained.gradientNorm());
      float[] after = trained.state().get(Session.PARAMETERS);
      float[] plainAfter = plain.state().get(Session.PARAMETERS);
      double moved = 0;
      for (int i = 0; i < exact.length; i++) {
        double gradient = (rounded[i] - (double) plainAfter[i]) / RATE;
        assertEquals(gradient, (exact[i] - (double) after[i]) / RATE, 1e-6, "element " + i);
        moved = Math.max(moved, Math.abs(gradient));
      }
      assertTrue(moved > 1e-3, "there is a gradient: " + moved);
      // After the step the weights are rounded anew.
      plain.load(Map.of(Session.PARAMETERS, QuantisedModel.of(program, after, quantiser).parameters()));
      assertArrayEquals(losses(plain, batch), losses(trained, batch));
    }
  }

  private static float[] losses(Session session, Batches batch) {
    float[] losses = new float[batch.tokens().length];
    session.losses(batch.tokens(), batch.targets(), losses);
    return losses;
  }

  /** Where this machine has bf16, its products read the rounded weights in bf16. */
  @Test
  void bf16ReadsRoundedWeightsToo() {
    Program program = program("gpt2-1-2-w8");
    float[] exact = Batches.parameters(program, 0.3, random).get(Session.PARAMETERS);
    Batches batch = Batches.random(program, VOCABULARY, random);
    try (Session trained = session(program, 1, Precision.AUTO, Optional.of(new Ternary()));
        Session plain = session(program, 1, Precision.AUTO, Optional.empty())) {
      trained.load(Map.of(Session.PARAMETERS, exact));
      trained.step(batch.tokens(), batch.targets(), RATE, 1);
      float[] after = trained.state().get(Session.PARAMETERS);
      plain.load(Map.of(Session.PARAMETERS, QuantisedModel.of(program, after, new Ternary()).parameters()));
      assertArrayEquals(losses(plain, batch), losses(trained, batch));
    }
  }

  /** A diverged model's weights are no numbers, and its loss says so. */
  @Test
  void weightsThatAreNoNumbersAreLeftToTheLoss() {
    Program program = program("gpt2-1-2-w8");
    float[] exact = Batches.parameters(program, 0.3, random).get(Session.PARAMETERS);
    Arrays.fill(exact, Float.NaN);
    Batches batch = Batches.random(program, VOCABULARY, random);
    try (Session trained = session(program, 1, Precision.FP32, Optional.of(quantiser("4")))) {
      trained.load(Map.of(Session.PARAMETERS, exact));
      trained.step(batch.tokens(), batch.targets(), RATE, 1);
      assertTrue(Double.isNaN(trained.loss()));
    }
  }

  @Test
  void whatCannotRoundInTrainingIsRefused() {
    assertTrue(assertThrows(IllegalArgumentException.class, () -> new StraightThrough(new Gptq(4, 8, false)))
        .getMessage()
        .contains("gptq depends on texts"));
    Program program = program("gpt2-1-2-w8");
    Execution rounded = new Execution(1, Precision.FP32, Optional.of(new StraightThrough(new Ternary())));
    assertTrue(
        assertThrows(EngineUnavailableException.class, () -> new Nd4jEngine().compile(program, rounded))
            .getMessage()
            .contains("engine 'nd4j' trains with exact weights only"));
    assertTrue(assertThrows(IllegalArgumentException.class,
        () -> session(program, 1, Precision.FP32, Optional.of(quantiser("q4_k")))).getMessage()
        .contains("q4_k has blocks of 256 weights"));
  }
}
