package org.knowcap.experiments.bench;

/**
 * How long a benchmark is run.
 *
 * @param forks JVMs started, one after the other; the median of what they measure counts
 * @param warmUps times that a JVM runs the benchmark before it measures
 * @param measurements times that it measures
 * @param milliseconds of each time
 */
public record Effort(int forks, int warmUps, int measurements, int milliseconds) {
  /** For figures to be published. */
  public static final Effort FULL = new Effort(5, 3, 5, 500);
  /** For a first look. */
  public static final Effort QUICK = new Effort(1, 2, 2, 200);
}
