package org.knowcap.analysis.chart;

import java.awt.Color;
import java.awt.Graphics2D;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.Marker;

/**
 * A marker that shows what limits a run: it is hollow if the corpus does, has a white dot if the run was still
 * learning, and is full otherwise.
 */
final class LimitMarker extends Marker {
  /** The order of the series: the legend then has a full marker if any run has one. */
  private static final List<Limit> FULL_FIRST = List.of(Limit.MODEL, Limit.UNDECIDED, Limit.LEARNING,
      Limit.CORPUS);
  private static final double HOLLOW = 0.62;
  private static final double DOT = 0.3;

  private final Marker form;
  private final Limit limit;

  private LimitMarker(Marker form, Limit limit) {
    this.form = form;
    this.limit = limit;
  }

  /**
   * Draws runs as points over their parameters, a series for each limit; the legend names the first of these series.
   *
   * @param y of a run
   */
  static void addRuns(XYChart chart, String label, List<RunResult> runs, ToDoubleFunction<RunResult> y,
      Marker form, Color colour) {
    Map<Limit, List<RunResult>> points = runs.stream().collect(Collectors.groupingBy(RunResult::limitedBy));
    boolean named = false;
    for (Limit limit : FULL_FIRST) {
      if (points.containsKey(limit)) {
        List<RunResult> those = points.get(limit);
        XYSeries series = chart.addSeries(named ? label + ", " + limit : label,
            those.stream().mapToDouble(RunResult::parameters).toArray(),
            those.stream().mapToDouble(y).toArray());
        series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
        series.setMarker(new LimitMarker(form, limit));
        series.setMarkerColor(colour);
        series.setShowInLegend(!named);
        named = true;
      }
    }
  }

  @Override
  public void paint(Graphics2D graphics, double x, double y, int size) {
    form.paint(graphics, x, y, size);
    double inner = switch (limit) {
      case CORPUS -> HOLLOW;
      case LEARNING -> DOT;
      case MODEL, UNDECIDED -> 0;
    };
    if (inner > 0) {
      Color colour = graphics.getColor();
      graphics.setColor(Color.WHITE);
      form.paint(graphics, x, y, (int) Math.round(inner * size));
      graphics.setColor(colour);
    }
  }
}
