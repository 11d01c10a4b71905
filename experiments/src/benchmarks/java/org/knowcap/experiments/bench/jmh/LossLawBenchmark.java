package org.knowcap.experiments.bench.jmh;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.knowcap.analysis.law.LossLaw;
import org.knowcap.analysis.law.LossPoint;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Fits of a law of losses. One operation is one fit to 515 points, from the grid to the optimum. */
@State(Scope.Thread)
public class LossLawBenchmark {
  /** As many points as in the largest of the published fits that others give times for. */
  static final int POINTS = 515;
  private static final double NOISE = 0.01;
  /** E, A, B, alpha and beta of arXiv 2404.10102. */
  private static final LossLaw PLANTED = new LossLaw(1.8172, 482.01, 2085.43, 0.3478, 0.3658, 0, 0, "planted",
      0, 0);

  private final List<LossPoint> points = points();

  static List<LossPoint> points() {
    SplittableRandom random = new SplittableRandom(1);
    List<LossPoint> points = new ArrayList<>();
    for (int i = 0; i < POINTS; i++) {
      double parameters = 5e7 * Math.pow(300, random.nextDouble());
      double tokens = 1e9 * Math.pow(300, random.nextDouble());
      points.add(new LossPoint(parameters, tokens,
          PLANTED.at(parameters, tokens) * Math.exp(NOISE * random.nextGaussian()), "run " + i));
    }
    return points;
  }

  /** Fits. */
  @Benchmark
  public LossLaw fit() {
    return LossLaw.fit(points);
  }
}
