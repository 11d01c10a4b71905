package org.knowcap.models.training;

import java.time.Duration;
import java.util.BitSet;
import org.knowcap.models.checkpoint.ParameterIdentity;

/**
 * How a run is trained, beyond its program.
 *
 * @param schedule learning rates and the number of steps
 * @param start where the parameters come from
 * @param rareTokens tokens whose embeddings are watched, see {@link EmbeddingOutliers}
 * @param reportEvery steps between reports, each of which also checks that the loss is finite and has not diverged
 * @param checkpointEvery time between checkpoints
 * @param fingerprint identifies everything that determines the run; a checkpoint of another is refused
 * @param identity of the parameters, written into checkpoints for runs that start from them
 */
public record TrainingSpec(Schedule schedule, Initialisation start, BitSet rareTokens, long reportEvery,
    Duration checkpointEvery, String fingerprint, ParameterIdentity identity) {
  public TrainingSpec {
    if (reportEvery < 1) {
      throw new IllegalArgumentException("reports must be at least 1 step apart, found " + reportEvery);
    }
  }
}
