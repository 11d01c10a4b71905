package org.knowcap.models.training;

import java.time.Duration;

/**
 * How a run is trained, beyond its program.
 *
 * @param schedule learning rates and the number of steps
 * @param seed of the initial parameters
 * @param reportEvery steps between reports, each of which also checks that the loss is a sound number
 * @param checkpointEvery time between checkpoints
 * @param fingerprint identifies everything that determines the run; a checkpoint of another is refused
 */
public record TrainingSpec(Schedule schedule, long seed, long reportEvery, Duration checkpointEvery,
    String fingerprint) {
  public TrainingSpec {
    if (reportEvery < 1) {
      throw new IllegalArgumentException("reports must be at least 1 step apart, found " + reportEvery);
    }
  }
}
