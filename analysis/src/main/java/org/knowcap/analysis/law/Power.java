package org.knowcap.analysis.law;

import org.apache.commons.math3.analysis.solvers.BrentSolver;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.special.Gamma;

/** The power of the two-sided t-test, which is how often it shows a true effect. */
final class Power {
  private static final NormalDistribution NORMAL = new NormalDistribution(null, 0, 1);

  private static final int INTERVALS = 200;

  private Power() {}

  /**
   * Share of studies in which Student's t of noncentrality {@code effect} is beyond its two-sided quantile.
   *
   * @param effect true mean over its true standard error
   * @param level of the test, such as 0.05
   */
  static double of(double effect, double degrees, double level) {
    double critical = new TDistribution(null, degrees).inverseCumulativeProbability(1 - level / 2);
    // Given the estimated standard deviation, s times the true one, the mean is normal; s is chi over the root of its degrees.
    double logFactor = Math.log(2) + degrees / 2 * Math.log(degrees / 2) - Gamma.logGamma(degrees / 2);
    double from = Math.max(0, 1 - 9 / Math.sqrt(degrees));
    double step = (1 + 9 / Math.sqrt(degrees) - from) / INTERVALS;
    double sum = 0;
    for (int i = 0; i <= INTERVALS; i++) {
      double s = from + i * step;
      double logarithm = logFactor + (degrees == 1 ? 0 : (degrees - 1) * Math.log(s)) - degrees * s * s / 2;
      double shown = NORMAL.cumulativeProbability(effect - critical * s)
          + NORMAL.cumulativeProbability(-effect - critical * s);
      // Simpson's rule.
      int weight = i == 0 || i == INTERVALS ? 1 : 2 + 2 * (i % 2);
      sum += weight * Math.exp(logarithm) * shown;
    }
    return sum * step / 3;
  }

  /** The effect, in true standard errors, that this share of studies shows. */
  static double effect(double power, double degrees, double level) {
    double critical = new TDistribution(null, degrees).inverseCumulativeProbability(1 - level / 2);
    return new BrentSolver(1e-6).solve(200, effect -> of(effect, degrees, level) - power, 0,
        3 * critical + 10);
  }
}
