package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;

/**
 * A law of losses with its intervals.
 *
 * @param law the fit
 * @param bootstrap refits that intervals are made of
 * @param checklist of the fit
 */
public record LossFit(LossLaw law, LossBootstrap bootstrap, Checklist checklist) {
  private static final long SEED = 1;
  private static final double POOR = 0.05;
  private static final double NEARLY_COLLINEAR = 0.95;

  /** Its parameters with intervals, in the order of {@link LossLaw#NAMES}. */
  public List<Estimate> estimates() {
    return bootstrap.parameters();
  }

  /** The law's loss with its interval: that of the law, not of a further run. */
  public Estimate at(double parameters, double tokens) {
    return bootstrap.estimate(each -> each.at(parameters, tokens));
  }

  /**
   * The last training loss of each causal run against its parameters and tokens; runs that differ in nothing but their seeds are a
   * cluster.
   *
   * @throws LawException if the runs differ in more than their size and either N or exposures
   */
  public static List<LossPoint> points(List<RunResult> runs) {
    List<RunResult> causal = runs.stream().filter(RunResult::causal).toList();
    requireOne("kinds of corpus", causal, run -> cell(run).corpusKind());
    requireOne("families of models", causal, run -> cell(run).family());
    requireOne("engines", causal, RunResult::engine);
    if (causal.stream().mapToLong(RunResult::people).distinct().count() > 1
        && causal.stream().mapToLong(RunResult::exposures).distinct().count() > 1) {
      throw new LawException(
          "the runs have several N and several exposures: their loss depends on both, not on tokens alone;"
              + " fit runs of one N, or of one number of exposures");
    }
    return causal.stream()
        .map(run -> new LossPoint(run.parameters(), run.tokens(), run.finalLossNats(), cell(run).toString()))
        .toList();
  }

  private static Cell cell(RunResult run) {
    return new Cell(List.of(run), List.of());
  }

  private static void requireOne(String what, List<RunResult> runs, Function<RunResult, String> figure) {
    List<String> found = runs.stream().map(figure).distinct().sorted().toList();
    if (found.size() > 1) {
      throw new LawException("a loss law is of one setting, found several " + what + ": "
          + String.join(", ", found) + "; fit them apart");
    }
  }

  /**
   * Fits, with so many bootstrap fits for the intervals.
   *
   * @throws LawException if there are too few points
   */
  public static LossFit of(List<LossPoint> points, int draws) {
    LossLaw law = LossLaw.fit(points);
    LossBootstrap bootstrap = LossLaw.bootstrap(points, law, draws, SEED);
    long clusters = points.stream().map(LossPoint::cluster).distinct().count();
    List<String> warnings = new ArrayList<>();
    if (law.irreducible() < 1e-9) {
      warnings.add("E is zero, at its bound: these points do not show an irreducible loss.");
    }
    if (law.sizeFactor() < 1e-9 || law.dataFactor() < 1e-9) {
      warnings.add("A term is zero, at its bound: these points do not show that loss depends on "
          + (law.sizeFactor() < 1e-9 ? "size." : "data."));
    }
    double[] residuals = points.stream()
        .mapToDouble(point -> Math.log(point.loss() / law.at(point.parameters(), point.tokens())))
        .toArray();
    double rms = Math.sqrt(Arrays.stream(residuals).map(each -> each * each).average().orElseThrow());
    double largest = Arrays.stream(residuals).map(Math::abs).max().orElseThrow();
    if (rms > POOR) {
      warnings.add("The law fits poorly: the residuals are " + Units.number(100 * rms, 2)
          + " % (rms), more than 5 %.");
    }
    if (LossLaw.correlation(points) > NEARLY_COLLINEAR) {
      warnings.add("Size and data grow together (correlation of their logarithms "
          + Units.number(LossLaw.correlation(points), 3) + "): the two exponents are hardly told apart.");
    }
    Map<String, List<String>> leftOut = new LinkedHashMap<>();
    long least = (long) points.stream().mapToDouble(LossPoint::parameters).min().orElseThrow();
    long most = (long) points.stream().mapToDouble(LossPoint::parameters).max().orElseThrow();
    Checklist checklist = new Checklist("E + A / P^alpha + B / D^beta",
        "loss, nats a token (of tables of results the last training loss); D: tokens trained on",
        points.size(), leftOut, Checklist.PARAMETER_COUNT, "all",
        "sum of Huber's function of ln(law) - ln(loss), width " + LossLaw.HUBER,
        "grid of 64 x 64 exponents from 0.02 to 2 with least squares for E, A, B >= 0, then Newton's method; "
            + law.stop(),
        law.starts() + " cells of the grid, the best of blocks of 8 x 8", "E, A, B >= 0; exponents 0 to 4",
        "95 %, percentiles of " + draws + " bootstrap fits over " + clusters + " cells, seed " + SEED,
        points.size() + " points in " + clusters + " cells; residuals of ln loss: "
            + Units.number(100 * rms, 2) + " % rms, " + Units.number(100 * largest, 2) + " % at most",
        least, most, Checklist.extrapolation(most), List.copyOf(warnings));
    return new LossFit(law, bootstrap, checklist);
  }
}
