package org.knowcap.analysis.law;

import java.util.List;
import java.util.Map;

/**
 * What a reader of a fit must know to judge it, after "(Mis)Fitting: A Survey of Scaling Laws" (arXiv 2502.18969).
 *
 * @param law the fitted form
 * @param quantity that was fitted, with its unit
 * @param pointsUsed number of points in the fit
 * @param leftOut names of runs or cells that were not used, by the reason
 * @param parameterCount how P is counted
 * @param pointSelection how the points came from the runs
 * @param loss that the fit minimises
 * @param optimiser algorithm, and why it stopped
 * @param starts of the optimiser
 * @param bounds of the parameters
 * @param intervals how they were made
 * @param seeds number of seeds a point: the least and the most
 * @param parametersFrom least P of a point
 * @param parametersTo greatest P of a point
 * @param extrapolation factor by which the published law's smallest or largest model lies outside of these sizes; 1
 *        if it lies inside
 * @param warnings whole sentences
 */
public record Checklist(String law, String quantity, int pointsUsed, Map<String, List<String>> leftOut,
    String parameterCount, String pointSelection, String loss, String optimiser, String starts, String bounds,
    String intervals, String seeds, long parametersFrom, long parametersTo, double extrapolation,
    List<String> warnings) {
  /** How all tables of results count parameters. */
  static final String PARAMETER_COUNT = "all trainable parameters, embeddings included (a tied one once), of the vocabulary"
      + " that the corpus uses";
  /** Sizes of the models of figure 1 of arXiv 2404.05405. */
  private static final double PUBLISHED_LEAST = 816_000;

  /** The factor by which the smallest published model is larger than the largest of these models. */
  static double extrapolation(long most) {
    return Math.max(1, PUBLISHED_LEAST / most);
  }

  /** "3", or "1 to 5". */
  static String seeds(List<Cell> cells) {
    int least = cells.stream().mapToInt(cell -> cell.runs().size()).min().orElse(0);
    int most = cells.stream().mapToInt(cell -> cell.runs().size()).max().orElse(0);
    return least == most ? Integer.toString(least) : least + " to " + most;
  }
}
