package org.knowcap.experiments.runner;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.Set;

/**
 * What Slurm says of a task that trains runs.
 *
 * @param task its id, such as 12_3
 * @param state in Slurm's words, such as PENDING
 * @param reason why it waits, on which node it runs, or with which exit code it ended; empty where nothing is said
 */
public record SlurmTask(String task, String state, String reason) {
  /** States that a task leaves no more, but for a requeue by hand. */
  private static final Set<String> ENDED = Set.of("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT",
      "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "PREEMPTED", "REVOKED");

  /** Whether Slurm will still train its runs, or does. */
  @JsonIgnore
  public boolean queued() {
    return !ENDED.contains(state);
  }

  @Override
  public String toString() {
    return "Slurm " + task + " " + state + (reason.isEmpty() ? "" : " (" + reason + ")");
  }
}
