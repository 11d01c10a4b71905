package org.knowcap.models.engine.cuda.driver;

/**
 * Several runs of one program that are computed by the same launches. The memory of each run lies {@code stride}
 * bytes after the memory of the run before.
 *
 * @param count of runs, at least 1
 * @param stride bytes from one run's memory to the next's
 */
public record Replicas(int count, long stride) {
  /** A run by itself. */
  public static final Replicas ONE = new Replicas(1, 0);
}
