package org.knowcap.models.engine.cuda.driver;

/**
 * How algorithms of a matmul are timed.
 *
 * @param warmUpSeconds of work before the first of them: an idle GPU runs at a fraction of its clock
 * @param times that one is done in a row, recorded as a graph
 * @param noise a part of the time by which another way must be faster than the one named first
 */
public record Tuning(double warmUpSeconds, int times, double noise) {
  /** As on a real GPU. */
  public static final Tuning REAL = new Tuning(0.2, 20, 0.03);
}
