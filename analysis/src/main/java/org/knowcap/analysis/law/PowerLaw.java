package org.knowcap.analysis.law;

import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.stat.regression.SimpleRegression;

/**
 * y = rho x^gamma, by least squares on logarithms. One point is one model. The scatter of models about the law, from
 * seeds or from architecture, is in the residuals, and the intervals are Student's t with (points - 2) degrees of
 * freedom.
 *
 * @param points at least two, of different x
 * @param rho y at x = 1, an extrapolation; strongly correlated with gamma
 * @param gamma the exponent
 * @param centre geometric mean of x, where the law is known best
 * @param atCentre y there over x
 * @param pGammaIsOne how likely an exponent at least so far from 1 would be if it were 1, two-sided; absent where
 *        gamma has no interval
 * @param scatter standard deviation of the residuals, in natural logarithms
 * @param residuals ln y less ln of the law, in the order of the points
 */
public record PowerLaw(List<Point> points, Estimate rho, Estimate gamma, double centre, Estimate atCentre,
    OptionalDouble pGammaIsOne, double scatter, List<Double> residuals) {
  /** Sizes of model that an exponent with an interval needs: with three, the quantile of Student's t is 12.7. */
  static final int LEAST_POINTS = 4;
  private static final String METHOD = "Student's t over %d %s, %d degrees of freedom";

  /** A point that the law goes through. */
  public record Point(double x, double y) {
    public Point {
      if (!(x > 0) || !(y > 0) || Double.isInfinite(x) || Double.isInfinite(y)) {
        throw new LawException("a power law needs finite numbers above 0, found x = " + x + ", y = " + y);
      }
    }
  }

  /**
   * Fits.
   *
   * @throws LawException if there are fewer than two different x
   */
  public static PowerLaw fit(List<Point> points) {
    return fit(points, "sizes of model");
  }

  /** @param unit of x, in the plural, such as "sizes of model" */
  static PowerLaw fit(List<Point> points, String unit) {
    long sizes = points.stream().mapToDouble(Point::x).distinct().count();
    if (sizes < 2) {
      throw new LawException("a power law needs points of at least two sizes, found " + sizes);
    }
    int n = points.size();
    double centre = Math.exp(points.stream().mapToDouble(point -> Math.log(point.x)).average().orElseThrow());
    SimpleRegression line = new SimpleRegression();
    points.forEach(point -> line.addData(Math.log(point.x / centre), Math.log(point.y)));
    double slope = line.getSlope();
    double level = line.getIntercept();
    List<Double> residuals = points.stream()
        .map(point -> Math.log(point.y) - level - slope * Math.log(point.x / centre))
        .toList();
    double atOne = level - slope * Math.log(centre);
    int degrees = n - 2;
    double scatter = degrees < 1 ? 0 : Math.sqrt(line.getMeanSquareError());
    PowerLaw bare = new PowerLaw(List.copyOf(points), Estimate.alone(Math.exp(atOne), ""),
        Estimate.alone(slope, ""), centre, Estimate.alone(Math.exp(level) / centre, ""),
        OptionalDouble.empty(), scatter, residuals);
    if (sizes < LEAST_POINTS) {
      return bare.without("a law needs " + LEAST_POINTS + " " + unit + ", found " + sizes);
    }
    if (!(scatter > 1e-12)) {
      return bare.without("no variance about the line, so no verdict");
    }
    String method = String.format(Locale.ROOT, METHOD, n, unit, degrees);
    double squares = line.getXSumSquares();
    double slopeError = scatter / Math.sqrt(squares);
    double levelError = scatter / Math.sqrt(n);
    double oneError = Math.hypot(levelError, slopeError * Math.log(centre));
    double p = 2 * new TDistribution(null, degrees).cumulativeProbability(-Math.abs(slope - 1) / slopeError);
    return new PowerLaw(List.copyOf(points),
        Estimate.student(atOne, oneError, degrees, method).map(Math::exp),
        Estimate.student(slope, slopeError, degrees, method), centre,
        Estimate.student(level, levelError, degrees, method).map(log -> Math.exp(log) / centre),
        OptionalDouble.of(p), scatter, residuals);
  }

  /**
   * Without intervals: points that are no capacities, or that have no errors of their own, are described by a line
   * at most.
   */
  PowerLaw described() {
    return gamma.hasInterval()
        ? without(
            "not all points are peaks that are bracketed, limited by their model and measured with two seeds")
        : this;
  }

  private PowerLaw without(String reason) {
    return new PowerLaw(points, Estimate.alone(rho.value(), reason), Estimate.alone(gamma.value(), reason),
        centre, Estimate.alone(atCentre.value(), reason), OptionalDouble.empty(), scatter, residuals);
  }

  /**
   * The law at x, with the interval of its mean. A further model would scatter about the law, so its interval is
   * wider.
   */
  public Estimate at(double x) {
    double away = Math.log(x / centre);
    double value = Math.log(atCentre.value() * centre) + gamma.value() * away;
    if (!gamma.hasInterval()) {
      return Estimate.alone(Math.exp(value), "the law has none");
    }
    double squares = points.stream().mapToDouble(point -> Math.pow(Math.log(point.x / centre), 2)).sum();
    double error = scatter * Math.sqrt(1.0 / points.size() + away * away / squares);
    return Estimate.student(value, error, points.size() - 2.0, gamma.method()).map(Math::exp);
  }
}
