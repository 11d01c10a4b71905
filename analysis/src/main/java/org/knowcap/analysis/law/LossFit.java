package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.analysis.results.RunResult;

/**
 * A law of losses with its intervals.
 *
 * @param law the fit
 * @param estimates of {@link LossLaw#NAMES}, with intervals by bootstrap
 * @param checklist of the fit
 */
public record LossFit(LossLaw law, List<Estimate> estimates, Checklist checklist) {
  private static final long SEED = 1;

  /** The last training loss of each run against its parameters and tokens. */
  public static List<LossPoint> points(List<RunResult> runs) {
    return runs.stream()
        .map(run -> new LossPoint(run.parameters(), run.tokens(), run.finalLossNats(), run.run()))
        .toList();
  }

  /**
   * Fits, with so many bootstrap fits for the intervals.
   *
   * @throws LawException if there are too few points
   */
  public static LossFit of(List<LossPoint> points, int draws) {
    LossLaw law = LossLaw.fit(points);
    List<Estimate> estimates = LossLaw.bootstrap(points, law, draws, SEED);
    long clusters = points.stream().map(LossPoint::cluster).distinct().count();
    List<String> warnings = new ArrayList<>();
    if (law.irreducible() < 1e-9) {
      warnings.add("E is zero, at its bound: these points do not show an irreducible loss.");
    }
    if (law.sizeFactor() < 1e-9 || law.dataFactor() < 1e-9) {
      warnings.add("A term is zero, at its bound: these points do not show that loss depends on "
          + (law.sizeFactor() < 1e-9 ? "size." : "data."));
    }
    Map<String, List<String>> leftOut = new LinkedHashMap<>();
    long least = (long) points.stream().mapToDouble(LossPoint::parameters).min().orElseThrow();
    long most = (long) points.stream().mapToDouble(LossPoint::parameters).max().orElseThrow();
    Checklist checklist = new Checklist("E + A / P^alpha + B / D^beta",
        "last training loss, nats a token; D: tokens trained on", points.size(), leftOut,
        Checklist.PARAMETER_COUNT, "all",
        "sum of Huber's function of ln(law) - ln(loss), width " + LossLaw.HUBER,
        "grid of 64 x 64 exponents from 0.02 to 2 with least squares for E, A, B >= 0, then Newton's method; "
            + law.stop(),
        law.starts() + " cells of the grid, the best of blocks of 8 x 8", "E, A, B >= 0; exponents 0 to 4",
        "95 %, percentiles of " + draws + " bootstrap fits over " + clusters + " runs, seed " + SEED,
        "each run a point", least, most, Checklist.extrapolation(most), List.copyOf(warnings));
    return new LossFit(law, estimates, checklist);
  }
}
