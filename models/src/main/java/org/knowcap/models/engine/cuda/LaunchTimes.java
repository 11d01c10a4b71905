package org.knowcap.models.engine.cuda;

import java.util.List;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;

/**
 * How long each launch of a training step took on a GPU, in order.
 *
 * @param markSeconds taken off each: what it takes to note the time between two launches
 * @param stepSeconds of the step as it is done in training, as one graph
 */
public record LaunchTimes(List<Timed> launches, double markSeconds, double stepSeconds) {
  /** A launch and the seconds that it took. */
  public record Timed(LaunchDescription launch, double seconds) {}

  /** Keeps a copy of the list. */
  public LaunchTimes {
    launches = List.copyOf(launches);
  }

  /**
   * Times them. One step is done at the end as profilers of NVIDIA's see it, kernel by kernel.
   *
   * @param steps taken before
   * @param rounds of which the median counts
   * @param busySeconds for which the GPU is kept busy before each round
   */
  public static LaunchTimes measure(CudaEngine engine, Program program, Precision precision,
      float[] parameters, int[] tokens, int[] targets, int steps, int rounds, double busySeconds) {
    try (CudaGroup group = engine.group(program, new Execution(1, precision), 1);
        Session session = group.join()) {
      session.load(java.util.Map.of(Session.PARAMETERS, parameters));
      for (int step = 1; step <= steps; step++) {
        session.step(tokens, targets, 1e-4, step);
      }
      session.loss();
      return group.times(rounds, busySeconds);
    }
  }
}
