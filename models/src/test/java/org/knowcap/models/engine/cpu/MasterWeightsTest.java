package org.knowcap.models.engine.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.nd4j.Nd4jEngine;
import org.knowcap.models.program.MasterWeights;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.testing.TestSeed;

/** Parameters that are kept in bf16. */
@ExtendWith(TestSeed.class)
class MasterWeightsTest {
  private static final int VOCABULARY = 11;

  private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom")
      .create(TestSeed.value());

  private static float below(float x) {
    return Float.intBitsToFloat(Float.floatToRawIntBits(x) & 0xffff0000);
  }

  private static float beyond(float x) {
    return Float.intBitsToFloat((Float.floatToRawIntBits(x) & 0xffff0000) + 0x10000);
  }

  @Test
  void nearestIsTheNearerOfTheTwoNeighbours() {
    for (int i = 0; i < 1000; i++) {
      float x = (float) random.nextGaussian();
      double toBelow = Math.abs((double) x - below(x));
      double toBeyond = Math.abs((double) x - beyond(x));
      assertEquals(toBelow < toBeyond ? below(x) : beyond(x), MasterWeights.BF16.rounded(x, 1, i));
    }
    assertEquals(1f, MasterWeights.BF16.rounded(1 + 0x1p-8f, 1, 0), "a tie goes to the even one");
    assertEquals(1 + 0x1p-6f, MasterWeights.BF16.rounded(1 + 0x3p-8f, 1, 0), "a tie goes to the even one");
  }

  /** The mean over places and the mean over steps have standard deviations of at most half a gap over the root of n. */
  @Test
  void atRandomGivesTheExactNumberOnAverageOverPlacesAndOverSteps() {
    int n = 40_000;
    for (float x : new float[]{1 + 0x1p-9f, -0.7331f, 3.1e-5f, (float) random.nextGaussian()}) {
      double gap = (double) beyond(x) - below(x);
      double overPlaces = 0;
      double overSteps = 0;
      for (int i = 0; i < n; i++) {
        float atPlace = MasterWeights.BF16_STOCHASTIC.rounded(x, 7, i);
        assertTrue(atPlace == below(x) || atPlace == beyond(x));
        overPlaces += (atPlace - (double) x) / gap / n;
        overSteps += (MasterWeights.BF16_STOCHASTIC.rounded(x, i, 12345) - (double) x) / gap / n;
      }
      assertEquals(0, overPlaces, 5 * 0.5 / Math.sqrt(n), "x " + x);
      assertEquals(0, overSteps, 5 * 0.5 / Math.sqrt(n), "x " + x);
    }
    assertEquals(0.5f, MasterWeights.BF16_STOCHASTIC.rounded(0.5f, 3, 9), "what bf16 has stays");
    assertNotEquals(MasterWeights.salt(1), MasterWeights.salt(2));
  }

  private static Optimiser optimiser(String name) {
    return switch (name) {
      case "adamw" -> new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.01);
      case "lion" -> new Optimiser.Lion(0.9, 0.99, 0.01);
      case "adafactor" -> new Optimiser.Adafactor(1, false, 0.01);
      default -> new Optimiser.Muon(Orthogonaliser.NEWTON_SCHULZ, 5, 0.95, true,
          Optimiser.Muon.AdjustLearningRate.MATCH_RMS_ADAMW, 0.9, 0.98, 1e-6, 0.01);
    };
  }

  private static Program program(String optimiser, MasterWeights type) {
    return Program.training(ModelSpec.parse("llama-1-2-w10"), VOCABULARY, 4, 9,
        UpdateRule.by(optimiser(optimiser)).withMasterWeights(type));
  }

  private static Session session(Program program, int threads, Precision precision) {
    return new CpuEngine().compile(program, new Execution(threads, precision));
  }

  /** A plain session whose parameters are rounded by hand after each step is the other derivation. */
  @ParameterizedTest
  @CsvSource({"adamw, BF16, 1, FP32", "adamw, BF16_STOCHASTIC, 2, FP32", "adamw, BF16_STOCHASTIC, 1, AUTO",
      "lion, BF16, 2, AUTO", "muon, BF16_STOCHASTIC, 2, FP32", "adafactor, BF16_STOCHASTIC, 1, FP32"})
  void aStepEndsWithRounding(String optimiser, MasterWeights type, int threads, Precision precision) {
    Program program = program(optimiser, type);
    float[] exact = Batches.parameters(program, 0.3, random).get(Session.PARAMETERS);
    try (Session kept = session(program, threads, precision);
        Session plain = session(program(optimiser, MasterWeights.FP32), threads, precision)) {
      float[] expected = new float[exact.length];
      for (int i = 0; i < exact.length; i++) {
        expected[i] = MasterWeights.BF16.rounded(exact[i], 0, i);
      }
      kept.load(Map.of(Session.PARAMETERS, exact));
      plain.load(Map.of(Session.PARAMETERS, expected));
      for (int step = 1; step <= 3; step++) {
        Batches batch = Batches.random(program, VOCABULARY, random);
        kept.step(batch.tokens(), batch.targets(), 0.01, step);
        plain.step(batch.tokens(), batch.targets(), 0.01, step);
        assertEquals(plain.loss(), kept.loss());
        Map<String, float[]> state = plain.state();
        float[] parameters = state.get(Session.PARAMETERS);
        for (int i = 0; i < parameters.length; i++) {
          parameters[i] = type.rounded(parameters[i], step, i);
        }
        Map<String, float[]> found = kept.state();
        state.forEach((name, numbers) -> assertArrayEquals(numbers, found.get(name), name));
        plain.load(state);
        // A checkpoint's parameters are read as they are.
        kept.load(found);
        assertArrayEquals(parameters, kept.state().get(Session.PARAMETERS));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(value = MasterWeights.class, names = "FP32", mode = EnumSource.Mode.EXCLUDE)
  void otherEnginesRefuseThem(MasterWeights type) {
    assertTrue(assertThrows(EngineUnavailableException.class,
        () -> new Nd4jEngine().compile(program("adamw", type), Execution.PLAIN)).getMessage()
        .contains("engine 'nd4j' keeps parameters in fp32 only"));
  }
}
