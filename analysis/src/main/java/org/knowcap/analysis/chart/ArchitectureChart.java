package org.knowcap.analysis.chart;

import java.awt.Color;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Map;
import java.util.stream.Collectors;
import org.knowcap.analysis.results.ModelName;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.SeedMeans;
import org.knowcap.analysis.units.Units;
import org.knowcap.files.WholeFile;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.Circle;
import org.knowm.xchart.style.markers.Diamond;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.None;
import org.knowm.xchart.style.markers.Square;
import org.knowm.xchart.style.markers.TriangleDown;
import org.knowm.xchart.style.markers.TriangleUp;

/**
 * The chart that compares architectures: parameters against bits per parameter. Every run is a point; lines join the
 * means over seeds of the sizes of one architecture. For each model the chart shows the corpus from which it stores
 * most bits per parameter, after the greatest number of exposures.
 */
public final class ArchitectureChart implements Chart {
  private static final int WIDTH = 1800;
  private static final int HEIGHT = 1100;
  private static final String TITLE = "Bits per parameter by architecture";
  private static final List<Marker> MARKERS = List.of(new Circle(), new Diamond(), new Square(),
      new TriangleUp(), new TriangleDown());

  private final String study;
  private final Map<String, List<SeedMeans>> architectures;
  private final List<RunResult> runs;

  private ArchitectureChart(String study, Map<String, List<SeedMeans>> architectures, List<RunResult> runs) {
    this.study = study;
    this.architectures = architectures;
    this.runs = runs;
  }

  /** The chart of these results; empty if it would show nothing. */
  static Optional<ArchitectureChart> shows(List<RunResult> results) {
    return compares(results) ? Optional.of(of(results)) : Optional.empty();
  }

  @Override
  public String file() {
    return "architectures";
  }

  @Override
  public ArchitectureChart ofStudy(String name) {
    return new ArchitectureChart(name, architectures, runs);
  }

  @Override
  public String caption() {
    return "Of each model, the runs on the corpus from which it stores most bits per parameter after the most "
        + "exposures, but no corpus of which it stores over 98 %, if there is another; lines join the means over "
        + "seeds. Hollow: over 98 % of the corpus are stored; with a white dot: still learning.";
  }

  /**
   * Chart of the best of these runs.
   *
   * @throws IllegalArgumentException if there are none
   */
  public static ArchitectureChart of(List<RunResult> results) {
    if (results.isEmpty()) {
      throw new IllegalArgumentException("there are no results to draw");
    }
    long exposures = results.stream().mapToLong(RunResult::exposures).max().orElseThrow();
    List<RunResult> longest = results.stream().filter(run -> run.exposures() == exposures).toList();
    Map<String, SeedMeans> best = new LinkedHashMap<>();
    SeedMeans.of(longest).forEach(means -> best.merge(means.model(), means, ArchitectureChart::fuller));
    Map<String, List<SeedMeans>> architectures = best.values()
        .stream()
        .sorted(Comparator.comparingLong(SeedMeans::parameters))
        .collect(Collectors.groupingBy(means -> architecture(means.model()), LinkedHashMap::new,
            Collectors.toList()));
    return new ArchitectureChart("", architectures,
        longest.stream()
            .filter(run -> best.get(run.model()).corpus().equals(run.corpus())
                && best.get(run.model()).setting().equals(run.setting())
                && best.get(run.model()).learningRate() == run.learningRate())
            .toList());
  }

  /**
   * The one with more bits per parameter, except that runs which their corpus limits come last: they say nothing
   * about the model.
   */
  private static SeedMeans fuller(SeedMeans a, SeedMeans b) {
    if (a.corpusBound() != b.corpusBound()) {
      return a.corpusBound() ? b : a;
    }
    return a.capacityRatio() >= b.capacityRatio() ? a : b;
  }

  /** Whether there is more than one architecture to compare. */
  public static boolean compares(List<RunResult> results) {
    return results.stream().map(run -> architecture(run.model())).distinct().count() > 1;
  }

  /** A model's short name without its size: "gpt2" of gpt2-2-4-w16, "llama-tied" of llama-6-8-tied. */
  static String architecture(String model) {
    return ModelName.of(model).family();
  }

  /**
   * Writes {@code architectures.svg} and {@code architectures.png} into {@code folder}.
   *
   * @throws IOException if they cannot be written
   */
  @Override
  public void write(Path folder) throws IOException {
    String svg = svg();
    WholeFile.write(folder.resolve(file() + ".svg"), out -> out.write(svg.getBytes(StandardCharsets.UTF_8)));
    XYChart chart = chart();
    WholeFile.write(folder.resolve(file() + ".png"), out -> ChartEncoder.saveChart(chart, out, "png"));
  }

  /** The chart as an SVG document that scales with its width; its letters are drawn, so it needs no fonts. */
  @Override
  public String svg() {
    try {
      String svg = new String(ChartEncoder.getBytes(chart(), "svg"), StandardCharsets.UTF_8);
      return SvgDocument.finished(file(), svg, WIDTH, HEIGHT, TITLE, description());
    } catch (IOException e) {
      throw new UncheckedIOException("the chart could not be drawn in memory", e);
    }
  }

  /** The means in words, for readers who cannot see the chart. */
  private String description() {
    return "Parameters on a log axis against bits per parameter. " + architectures.entrySet()
        .stream()
        .map(entry -> entry.getKey() + ": "
            + entry.getValue()
                .stream()
                .map(means -> Units.count(means.parameters()) + " parameters, "
                    + Units.ratio(means.capacityRatio()))
                .collect(Collectors.joining("; ")))
        .collect(Collectors.joining(". ")) + ".";
  }

  XYChart chart() {
    XYChart chart = new XYChart(WIDTH, HEIGHT);
    chart.setTitle(study.isEmpty() ? TITLE : TITLE + ": " + study);
    chart.setXAxisTitle("Model size (parameters)");
    chart.setYAxisTitle("R, stored bits per parameter");
    ChartStyle.apply(chart.getStyler());
    chart.getStyler().setChartTitlePadding(16).setMarkerSize(16);
    chart.getStyler().setYAxisTickMarkSpacingHint(100);
    ChartStyle.logX(chart.getStyler(), LogRange.around(runs.stream().mapToDouble(RunResult::parameters)));
    // R has a zero, at which nothing is stored: differences are seen against all that there is.
    double most = runs.stream().mapToDouble(RunResult::capacityRatio).max().orElseThrow();
    double least = runs.stream().mapToDouble(RunResult::capacityRatio).min().orElseThrow();
    chart.getStyler().setYAxisMin(Math.min(0, 1.1 * least)).setYAxisMax(Math.max(0.01, 1.1 * most));
    List<String> names = new ArrayList<>(architectures.keySet());
    for (int i = 0; i < names.size(); i++) {
      addArchitecture(chart, names.get(i), ChartStyle.COLOURS.get(i % ChartStyle.COLOURS.size()),
          MARKERS.get(i % MARKERS.size()));
    }
    return chart;
  }

  private void addArchitecture(XYChart chart, String name, Color colour, Marker marker) {
    List<SeedMeans> sizes = architectures.get(name);
    XYSeries line = chart.addSeries("means, " + name,
        sizes.stream().mapToDouble(SeedMeans::parameters).toArray(),
        sizes.stream().mapToDouble(SeedMeans::capacityRatio).toArray());
    line.setMarker(new None());
    line.setLineColor(colour).setLineStyle(ChartStyle.stroke(4, 1, 0)).setShowInLegend(false);
    LimitMarker.addRuns(chart, name,
        runs.stream().filter(run -> architecture(run.model()).equals(name)).toList(),
        RunResult::capacityRatio, marker, colour);
  }
}
