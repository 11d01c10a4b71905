package org.knowcap.experiments.bench;

import java.util.List;
import org.knowcap.analysis.law.LossLaw;
import org.knowcap.analysis.law.LossPoint;
import org.openjdk.jmh.runner.RunnerException;

/**
 * How fast laws are fitted.
 *
 * @param points in each fit
 * @param fitMilliseconds of one fit on one core
 * @param bootstrapFits number of fits for intervals
 * @param bootstrapSeconds of all of them on all cores
 * @param cores that were there
 */
public record LawSpeed(int points, double fitMilliseconds, int bootstrapFits, double bootstrapSeconds,
    int cores) {
  private static final int FITS = 1000;
  private static final double NANOS = 1e9;

  /**
   * Measures.
   *
   * @throws RunnerException if a JVM of the benchmark fails
   */
  public static LawSpeed measure(Effort effort) throws RunnerException {
    double perSecond = Measured.of(LossLawBenchmark.class, 1, effort).operationsPerSecond();
    List<LossPoint> points = LossLawBenchmark.points();
    LossLaw law = LossLaw.fit(points);
    long start = System.nanoTime();
    LossLaw.bootstrap(points, law, FITS, 1);
    return new LawSpeed(LossLawBenchmark.POINTS, 1000 / perSecond, FITS, (System.nanoTime() - start) / NANOS,
        Runtime.getRuntime().availableProcessors());
  }
}
