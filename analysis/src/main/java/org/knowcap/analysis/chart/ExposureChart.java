package org.knowcap.analysis.chart;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.knowcap.analysis.law.Cell;
import org.knowcap.analysis.law.Estimate;
import org.knowcap.analysis.law.ExposureLaw;
import org.knowcap.analysis.units.Units;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.Circle;
import org.knowm.xchart.style.markers.Cross;

/**
 * The chart of R against exposures, with intervals: it shows each model on the corpus from which it stores most. A
 * cross marks half of the greatest R.
 */
public final class ExposureChart implements Chart {
  private static final String TITLE = "Bits per parameter against exposures";

  private final List<ExposureLaw> laws;

  private ExposureChart(List<ExposureLaw> laws) {
    if (laws.isEmpty()) {
      throw new IllegalArgumentException("there are no exposures to draw");
    }
    this.laws = laws.stream()
        .collect(Collectors.groupingBy(law -> law.model() + law.variant(), LinkedHashMap::new,
            Collectors.maxBy(Comparator.comparingDouble(ExposureChart::greatest))))
        .values()
        .stream()
        .flatMap(Optional::stream)
        .toList();
  }

  private static double greatest(ExposureLaw law) {
    return law.cells().stream().mapToDouble(cell -> cell.ratio().value()).max().orElseThrow();
  }

  /**
   * The chart of these.
   *
   * @throws IllegalArgumentException if there are none
   */
  public static ExposureChart of(List<ExposureLaw> laws) {
    return new ExposureChart(laws);
  }

  @Override
  public String file() {
    return "exposures";
  }

  @Override
  public String caption() {
    return "Each model is shown on the corpus from which it stores most bits per parameter: mean R over seeds with its 95 % interval. A cross marks half of a line's greatest R.";
  }

  @Override
  public String svg() {
    return LawPlot.svg(chart(), file(), TITLE,
        laws.stream().map(law -> law.summary().getFirst()).collect(Collectors.joining(" ")));
  }

  @Override
  public void write(Path folder) throws IOException {
    LawPlot.write(folder, this, chart());
  }

  private String label(ExposureLaw law) {
    return law.model() + ", N = " + Units.label(law.cells().getFirst().people())
        + (law.variant().isEmpty() ? "" : ", " + law.variant());
  }

  XYChart chart() {
    XYChart chart = LawPlot.blank(TITLE, "Exposures", "R, stored bits per parameter");
    List<Cell> cells = laws.stream().flatMap(law -> law.cells().stream()).toList();
    ChartStyle.logX(chart.getStyler(), LogRange.around(cells.stream().mapToDouble(Cell::exposures)));
    double most = cells.stream().mapToDouble(cell -> most(cell.ratio())).max().orElseThrow();
    double least = cells.stream().mapToDouble(cell -> cell.ratio().value()).min().orElseThrow();
    double floor = Math.min(0, 1.1 * least);
    chart.getStyler().setYAxisMin(floor).setYAxisMax(Math.max(0.01, 1.1 * most));
    for (int i = 0; i < laws.size(); i++) {
      ExposureLaw law = laws.get(i);
      Color colour = ChartStyle.COLOURS.get(i % ChartStyle.COLOURS.size());
      double[] x = law.cells().stream().mapToDouble(Cell::exposures).toArray();
      double[] y = law.cells().stream().mapToDouble(cell -> cell.ratio().value()).toArray();
      // More lines than colours: the next round of colours is dashed.
      boolean dashed = i >= ChartStyle.COLOURS.size();
      LawPlot.line(chart, "", x, y, colour,
          dashed ? ChartStyle.stroke(4, 12, 8) : ChartStyle.stroke(4, 1, 0));
      law.cells().forEach(cell -> LawPlot.errorBar(chart, cell.exposures(), cell.ratio(), floor, colour));
      LawPlot.points(chart, label(law), x, y, colour, dashed ? new Hollow(new Circle()) : new Circle());
      law.timeToLearn()
          .ifPresent(time -> LawPlot.points(chart, "", new double[]{time.value()},
              new double[]{greatest(law) / 2}, colour, new Cross()));
    }
    return chart;
  }

  private static double most(Estimate ratio) {
    // An interval of two seeds may be a hundred times its mean: the axis is for the means.
    return Math.min(2 * ratio.value(), ratio.high().orElse(ratio.value()));
  }
}
