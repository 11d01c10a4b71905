package org.knowcap.analysis.chart;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.TrainingPoint;
import org.knowcap.analysis.results.TrainingRow;
import org.knowcap.analysis.units.Units;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.Circle;

/**
 * The chart of knowledge along training: the loss of values of people whom training shows, beside that of people whom it does not
 * show. Where the two part, a model begins to know, and to make up.
 */
public final class AlongChart implements Chart {
  private static final String TITLE = "Loss of values along training";
  /** The first runs of a table; more lines cannot be told apart. */
  private static final int MOST = 6;

  /** The rows of each line. */
  private final Map<String, List<TrainingRow>> lines;

  private AlongChart(Map<String, List<TrainingRow>> lines) {
    this.lines = lines;
  }

  /**
   * The chart of these rows; empty if there are none. Of runs that differ only in seeds it shows the first.
   *
   * @param rows of {@code along.csv}
   */
  public static Optional<AlongChart> shows(List<TrainingRow> rows) {
    Map<String, String> firsts = new LinkedHashMap<>();
    Map<String, List<TrainingRow>> lines = new LinkedHashMap<>();
    for (TrainingRow row : rows) {
      String label = row.model() + ", " + row.corpus() + row.setting().map(each -> ", " + each).orElse("");
      if (firsts.size() < MOST || firsts.containsKey(label)) {
        if (firsts.computeIfAbsent(label, _ -> row.run()).equals(row.run())) {
          lines.computeIfAbsent(label, _ -> new ArrayList<>()).add(row);
        }
      }
    }
    return lines.isEmpty() ? Optional.empty() : Optional.of(new AlongChart(lines));
  }

  @Override
  public String file() {
    return "along";
  }

  @Override
  public String caption() {
    return "Full: loss of the values of people whom training shows, nats. Dashed: of people whom it does not show. Until the two part"
        + " the model guesses; a dashed line that rises says that it makes values up. Of runs that differ only in seeds, the first is"
        + " drawn, of " + MOST + " settings at most.";
  }

  @Override
  public String svg() {
    return LawPlot.svg(chart(), file(), TITLE, lines.entrySet()
        .stream()
        .map(line -> line.getKey() + ": " + Units.number(last(line.getValue()).valueLossNats(), 3)
            + " nats at the end"
            + (last(line.getValue()).unseenValueLossNats().isPresent()
                ? ", never seen " + Units.number(last(line.getValue()).unseenValueLossNats().getAsDouble(), 3)
                : ""))
        .collect(Collectors.joining("; ")) + ".");
  }

  private static TrainingPoint last(List<TrainingRow> rows) {
    return rows.getLast().point();
  }

  @Override
  public void write(Path folder) throws IOException {
    LawPlot.write(folder, this, chart());
  }

  XYChart chart() {
    XYChart chart = LawPlot.blank(TITLE, "Exposures", "Loss of values, nats");
    List<TrainingRow> rows = lines.values().stream().flatMap(List::stream).toList();
    ChartStyle.logX(chart.getStyler(), LogRange.around(rows.stream().mapToDouble(TrainingRow::exposures)));
    double most = rows.stream()
        .mapToDouble(
            row -> Math.max(row.point().valueLossNats(), row.point().unseenValueLossNats().orElse(0)))
        .max()
        .orElseThrow();
    chart.getStyler().setYAxisMin(0.0).setYAxisMax(Math.max(0.001, 1.1 * most));
    int number = 0;
    for (Map.Entry<String, List<TrainingRow>> line : lines.entrySet()) {
      Color colour = ChartStyle.COLOURS.get(number++);
      List<TrainingRow> shown = line.getValue();
      double[] x = shown.stream().mapToDouble(TrainingRow::exposures).toArray();
      double[] y = shown.stream().mapToDouble(row -> row.point().valueLossNats()).toArray();
      LawPlot.line(chart, "", x, y, colour, ChartStyle.stroke(4, 1, 0));
      LawPlot.points(chart, line.getKey(), x, y, colour, new Circle());
      List<TrainingRow> unseen = shown.stream()
          .filter(row -> row.point().unseenValueLossNats().isPresent())
          .toList();
      if (!unseen.isEmpty()) {
        LawPlot.line(chart, "", unseen.stream().mapToDouble(TrainingRow::exposures).toArray(),
            unseen.stream()
                .map(row -> row.point().unseenValueLossNats())
                .mapToDouble(OptionalDouble::getAsDouble)
                .toArray(),
            colour, ChartStyle.stroke(4, 12, 8));
      }
    }
    return chart;
  }
}
