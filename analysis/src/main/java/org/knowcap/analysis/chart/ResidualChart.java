package org.knowcap.analysis.chart;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.knowcap.analysis.law.CapacityLaw;
import org.knowcap.analysis.law.PowerLaw;
import org.knowcap.analysis.units.Units;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.Circle;
import org.knowm.xchart.style.markers.Diamond;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.Square;
import org.knowm.xchart.style.markers.TriangleUp;

/** The chart of residuals of capacity laws: measured less fitted bits at each model's peak, in per cent. */
public final class ResidualChart implements Chart {
  private static final String TITLE = "Residuals of the capacity law";

  private static final List<Marker> MARKERS = List.of(new Circle(), new Diamond(), new Square(),
      new TriangleUp());

  private final List<CapacityLaw> laws;

  private ResidualChart(List<CapacityLaw> laws) {
    this.laws = laws.stream().filter(law -> law.law().isPresent()).toList();
    if (this.laws.isEmpty()) {
      throw new IllegalArgumentException("there are no laws to draw");
    }
  }

  /**
   * The chart of these laws.
   *
   * @throws IllegalArgumentException if none of them was fitted
   */
  public static ResidualChart of(List<CapacityLaw> laws) {
    return new ResidualChart(laws);
  }

  @Override
  public String file() {
    return "capacity-residuals";
  }

  @Override
  public String caption() {
    return "Stored bits at each model's peak over those of the fitted law, less one.";
  }

  @Override
  public String svg() {
    return LawPlot.svg(chart(), file(), TITLE,
        "Parameters on a log axis against residuals in per cent. "
            + laws.stream().map(law -> law.name() + ": " + percents(law)).collect(Collectors.joining(". "))
            + ".");
  }

  private static String percents(CapacityLaw law) {
    return law.law()
        .orElseThrow()
        .residuals()
        .stream()
        .map(residual -> Units.percent(Math.expm1(residual)))
        .collect(Collectors.joining(", "));
  }

  @Override
  public void write(Path folder) throws IOException {
    LawPlot.write(folder, this, chart());
  }

  XYChart chart() {
    XYChart chart = LawPlot.blank(TITLE, "Model size (parameters)", "Measured over fitted, less one (%)");
    LogRange range = LogRange.around(laws.stream()
        .flatMap(law -> law.law().orElseThrow().points().stream())
        .mapToDouble(PowerLaw.Point::x));
    ChartStyle.logX(chart.getStyler(), range);
    double most = laws.stream()
        .flatMap(law -> law.law().orElseThrow().residuals().stream())
        .mapToDouble(residual -> 100 * Math.abs(Math.expm1(residual)))
        .max()
        .orElseThrow();
    double edge = Math.max(1, 1.3 * most);
    chart.getStyler().setYAxisMin(-edge).setYAxisMax(edge);
    LawPlot.line(chart, "", new double[]{range.low(), range.high()}, new double[]{0, 0}, LawPlot.GUIDE,
        ChartStyle.stroke(3, 14, 10));
    for (int i = 0; i < laws.size(); i++) {
      PowerLaw law = laws.get(i).law().orElseThrow();
      Color colour = ChartStyle.COLOURS.get(i % ChartStyle.COLOURS.size());
      double[] x = law.points().stream().mapToDouble(PowerLaw.Point::x).toArray();
      double[] y = law.residuals().stream().mapToDouble(residual -> 100 * Math.expm1(residual)).toArray();
      IntStream.range(0, x.length)
          .forEach(k -> LawPlot.line(chart, "", new double[]{x[k], x[k]}, new double[]{0, y[k]}, colour,
              ChartStyle.stroke(3, 1, 0)));
      LawPlot.points(chart, laws.get(i).name(), x, y, colour, MARKERS.get(i % MARKERS.size()));
    }
    return chart;
  }
}
