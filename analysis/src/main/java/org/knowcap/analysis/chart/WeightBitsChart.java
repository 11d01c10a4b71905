package org.knowcap.analysis.chart;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.ModelName;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.units.Units;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.Circle;
import org.knowm.xchart.style.markers.Marker;

/**
 * The chart of weights of few bits: bits of a rounded weight against stored bits for each bit of the model. Models that were
 * trained with rounded weights are full circles, models that were rounded after training are hollow; the methods have
 * colours.
 */
public final class WeightBitsChart implements Chart {
  private static final String TITLE = "Stored bits for each bit of the model";

  private final List<QuantisedResult> rows;

  private WeightBitsChart(List<QuantisedResult> rows) {
    this.rows = rows.stream()
        .sorted(Comparator.comparingDouble(QuantisedResult::bitsPerWeight).reversed())
        .toList();
  }

  /**
   * The chart of these rows, those of exact weights included; empty if no weights are rounded.
   *
   * @param rows runs and quantised models
   */
  static Optional<WeightBitsChart> shows(List<QuantisedResult> rows) {
    return rows.stream().anyMatch(QuantisedResult::rounded)
        ? Optional.of(new WeightBitsChart(rows))
        : Optional.empty();
  }

  @Override
  public String file() {
    return "weight-bits";
  }

  @Override
  public String caption() {
    return "Stored bits over all bits of the model, against the bits of a weight with its share of scales. Full: trained"
        + " with such weights (32 bits: with exact ones). Hollow: rounded after training. Models far below zero are drawn at the"
        + " lower edge.";
  }

  @Override
  public String svg() {
    return LawPlot.svg(chart(), file(), TITLE,
        rows.stream()
            .map(row -> row.run().run() + ", " + label(row) + ": " + Units.number(row.bitsPerWeight(), 3)
                + " bits a weight, " + Units.ratio(row.capacityPerBit()))
            .collect(Collectors.joining("; ")) + ".");
  }

  @Override
  public void write(Path folder) throws IOException {
    LawPlot.write(folder, this, chart());
  }

  private static String label(QuantisedResult row) {
    return ModelName.of(row.run().model()).family() + (row.quantised()
        ? ", " + row.quantisation() + " after training"
        : row.rounded() ? ", trained with " + row.quantisation() : ", exact weights");
  }

  XYChart chart() {
    XYChart chart = LawPlot.blank(TITLE, "Bits of a weight, with its share of scales", TITLE);
    ChartStyle.logX(chart.getStyler(),
        LogRange.around(rows.stream().mapToDouble(QuantisedResult::bitsPerWeight)));
    double most = rows.stream().mapToDouble(QuantisedResult::capacityPerBit).max().orElseThrow();
    double least = rows.stream().mapToDouble(QuantisedResult::capacityPerBit).min().orElseThrow();
    // A model that rounding has ruined may be far below zero, and would leave no room for the others.
    double floor = Math.max(least, -0.2 * Math.max(0.001, most));
    chart.getStyler().setYAxisMin(Math.min(0, 1.1 * floor)).setYAxisMax(Math.max(0.001, 1.1 * most));
    Map<String, List<QuantisedResult>> groups = new LinkedHashMap<>();
    rows.forEach(row -> groups.computeIfAbsent(label(row), _ -> new ArrayList<>()).add(row));
    // One colour for a method, in training and after it.
    List<String> methods = rows.stream().map(QuantisedResult::quantisation).distinct().toList();
    groups.forEach((name, group) -> {
      QuantisedResult any = group.getFirst();
      Color colour = ChartStyle.COLOURS.get(methods.indexOf(any.quantisation()) % ChartStyle.COLOURS.size());
      Marker marker = any.quantised() ? new Hollow(new Circle()) : new Circle();
      LawPlot.points(chart, name, group.stream().mapToDouble(QuantisedResult::bitsPerWeight).toArray(),
          group.stream().mapToDouble(row -> Math.max(floor, row.capacityPerBit())).toArray(), colour, marker);
    });
    return chart;
  }
}
