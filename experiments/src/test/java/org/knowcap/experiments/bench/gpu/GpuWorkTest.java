package org.knowcap.experiments.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Parameter;

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
