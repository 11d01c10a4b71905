package org.knowcap.experiments.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.testing.TestSeed;

/** Sessions that wait for each other at each step, as those of a group do. */
class GpuWorkTest {
  /** One that takes steps with all others, and fails before its own of a certain number. */
  private static final class Together implements Session {
    private final Phaser meeting;
    private final long failsAt;
    private long steps;
    private boolean closed;

    Together(Phaser meeting, long failsAt) {
      this.meeting = meeting;
      this.failsAt = failsAt;
      meeting.register();
    }

    @Override
    public void step(int[] tokens, int[] targets, double learningRate, long step) {
      if (step == failsAt) {
        throw new IllegalStateException("no room for the tokens of step " + step);
      }
      meeting.arriveAndAwaitAdvance();
      steps = step;
    }

    @Override
    public OptionalDouble gradientNorm() {
      return OptionalDouble.empty();
    }

    @Override
    public double loss() {
      return 1;
    }

    @Override
    public void losses(int[] tokens, int[] targets, float[] losses) {}

    @Override
    public void score(int[] tokens, int[] targets, float[] losses, int[] predictions) {}

    @Override
    public Map<String, float[]> state() {
      return Map.of();
    }

    @Override
    public float[] parameter(Parameter parameter) {
      return new float[0];
    }

    @Override
    public void load(Map<String, float[]> state) {}

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        meeting.arriveAndDeregister();
      }
    }
  }

  /** What a comparison may be off, and that it fails above: losses, gradients in all, and those of one parameter. */
  @ParameterizedTest
  @CsvSource({"FP32, false, 2e-4, 2e-4", "FP32, true, 2e-4, 2e-4", "BF16, false, 0.05, 0.02",
      "BF16, true, 0.1, 0.1"})
  void aComparisonFailsAboveItsTolerance(Precision precision, boolean experts, double common,
      double parameter) {
    GpuResult.Parity.Tolerance tolerance = GpuResult.Parity.Tolerance.of(precision, experts);
    assertEquals(new GpuResult.Parity.Tolerance(common, parameter), tolerance);
    double below = 0.99;
    double above = 1.01;
    assertTrue(parity(precision, tolerance, below * common, below * common, below * parameter).holds());
    assertFalse(parity(precision, tolerance, above * common, 0, 0).holds());
    assertFalse(parity(precision, tolerance, 0, above * common, 0).holds());
    assertFalse(parity(precision, tolerance, 0, 0, above * parameter).holds());
    assertFalse(parity(precision, tolerance, Double.NaN, 0, 0).holds());
    assertFalse(parity(precision, tolerance, 0, Double.NaN, 0).holds());
    assertFalse(parity(precision, tolerance, 0, 0, Double.NaN).holds());
  }

  private static GpuResult.Parity parity(Precision precision, GpuResult.Parity.Tolerance tolerance,
      double loss, double gradient, double parameter) {
    return new GpuResult.Parity("gpt2-2-2", precision, loss, gradient, tolerance.common(), parameter, "head",
        tolerance.parameter());
  }

  /** A fault in a parameter of small gradients drowns among the largest, and shows in its own length. */
  @Test
  void aFaultInAParameterOfSmallGradientsShows() {
    Program program = GpuItem.shape("gpt2-1-1-w8@1x8x37").program();
    Parameter small = program.parameters().get(2);
    float[] expected = new float[(int) program.parameterCount()];
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(TestSeed.value());
    for (int i = 0; i < expected.length; i++) {
      boolean inSmall = i >= small.offset() && i < small.offset() + small.tensor().size();
      expected[i] = (float) (random.nextGaussian() * (inSmall ? 1e-3 : 1));
    }
    float[] found = expected.clone();
    for (int i = (int) small.offset(); i < small.offset() + small.tensor().size(); i++) {
      found[i] *= 1.03f;
    }
    assertTrue(GpuWork.apart(expected, found) < 1e-3);
    GpuWork.Farthest farthest = GpuWork.farthest(program, expected, found);
    assertEquals(small.tensor().name(), farthest.parameter());
    assertEquals(0.03, farthest.apart(), 1e-4);
    found[(int) small.offset()] = Float.NaN;
    assertTrue(Double.isNaN(GpuWork.apart(expected, found))
        && Double.isNaN(GpuWork.farthest(program, expected, found).apart()));
  }

  @Test
  @Timeout(60)
  void oneThatFailsEndsAllAndItsFailureIsTold() {
    Phaser meeting = new Phaser();
    List<Together> sessions = Stream.of(0L, 3L, 0L, 0L)
        .map(failsAt -> new Together(meeting, failsAt))
        .toList();
    try (ExecutorService threads = Executors.newFixedThreadPool(sessions.size())) {
      ExecutionException failure = assertThrows(ExecutionException.class, () -> GpuWork.train(threads,
          List.copyOf(sessions), GpuItem.shape("gpt2-1-1-w8@1x8x37"), 0, 1_000_000));
      assertEquals("no room for the tokens of step 3", failure.getCause().getMessage());
    }
    assertTrue(sessions.stream().allMatch(session -> session.closed && session.steps < 1000));
  }
}
