package org.knowcap.analysis.chart;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.analysis.chart.PlotLabels.Guide;
import org.knowcap.analysis.chart.PlotLabels.Segment;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
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
 * The chart of the capacity law: parameters against stored bits, both on log axes, as figure 1 of arXiv
 * 2404.05405.
 *
 * <p>One series per N and exposure count: every run is a point, the line joins the means over runs of equal
 * size, if all are of one architecture. Thin lines show all the bits of a corpus; dashed ones equal bits per
 * parameter, at 2, 1 and 0.5, and on down until one lies at or below the best run.
 */
public final class CapacityChart implements Chart {
  /** Twice the size at which it is shown. */
  static final int WIDTH = 1800;
  static final int HEIGHT = 1200;

  private static final String TITLE = "Stored knowledge against model size";
  private static final Color GUIDE = new Color(0x7A7A7A);
  private static final List<Marker> MARKERS = List.of(new Circle(), new Diamond(), new Square(),
      new TriangleUp(), new TriangleDown());
  private static final List<float[]> DASHES = List.of(new float[]{1, 0}, new float[]{2, 9},
      new float[]{16, 9, 2, 9});

  private record SeriesKey(long people, long exposures) implements Comparable<SeriesKey> {
    private static final Comparator<SeriesKey> ORDER = Comparator.comparingLong(SeriesKey::people)
        .thenComparingLong(SeriesKey::exposures);

    @Override
    public int compareTo(SeriesKey other) {
      return ORDER.compare(this, other);
    }
  }

  private final List<RunResult> results;
  private final List<RunResult> drawn;
  private final LogRange parameters;
  private final LogRange bits;
  private final List<Double> ratios;

  private CapacityChart(List<RunResult> results) {
    if (results.isEmpty()) {
      throw new IllegalArgumentException("there are no results to draw");
    }
    this.results = List.copyOf(results);
    this.drawn = results.stream().filter(result -> result.storedBits() > 0).toList();
    this.ratios = ratios(results.stream().mapToDouble(RunResult::capacityRatio).max().orElseThrow());
    this.parameters = LogRange.around(results.stream().mapToDouble(RunResult::parameters));
    // Each line of equal ratio crosses the plot over a factor of two at least, so that it can be seen and
    // named.
    this.bits = LogRange
        .around(Stream
            .of(results.stream().map(RunResult::totalBits), drawn.stream().map(RunResult::storedBits),
                seriesByKey().values().stream().flatMap(runs -> means(runs).values().stream()))
            .flatMap(values -> values)
            .mapToDouble(Double::doubleValue))
        .including(2 * ratios.getFirst() * parameters.low())
        .including(ratios.getLast() * parameters.high() / 2);
  }

  /** The chart of these results, where they have something to show in it. */
  static Optional<CapacityChart> shows(List<RunResult> results) {
    return !results.isEmpty() ? Optional.of(of(results)) : Optional.empty();
  }

  @Override
  public String file() {
    return "capacity";
  }

  @Override
  public String caption() {
    return "Every point is a run; lines join the means over runs of equal size.";
  }

  /**
   * Chart of these runs.
   *
   * @throws IllegalArgumentException if there are none
   */
  public static CapacityChart of(List<RunResult> results) {
    return new CapacityChart(results);
  }

  /**
   * Writes {@code capacity.svg} and {@code capacity.png} into {@code folder}.
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

  /** What the chart shows, in words, for those who cannot see it. */
  private String description() {
    return "Parameters against stored bits on log axes. Dashed lines at "
        + ratios.stream().map(CapacityChart::ratioLabel).collect(Collectors.joining(", ")) + ". Series: "
        + seriesByKey().keySet().stream().map(this::seriesLabel).collect(Collectors.joining("; ")) + ".";
  }

  XYChart chart() {
    XYChart chart = new XYChart(WIDTH, HEIGHT);
    // XChart keeps as much room above a title as below it, so it is given a blank one, and PlotLabels fills
    // the room.
    chart.setTitle(" ");
    chart.setXAxisTitle("Model size (parameters)");
    chart.setYAxisTitle("Stored knowledge (bits)");
    style(chart);

    // First what lies under the runs.
    ratioLines().forEach(guide -> addGuide(chart, guide, ChartStyle.stroke(2, 14, 10)));
    ceilings().forEach(guide -> addGuide(chart, guide, ChartStyle.stroke(2, 1, 0)));
    seriesByKey().forEach((key, runs) -> addSeries(chart, key, runs));

    List<Guide> guides = Stream.concat(ceilings().stream(), ratioLines().stream()).toList();
    chart.addAnnotation(new PlotLabels(TITLE, captions(), guides, taken()));
    return chart;
  }

  private static void addGuide(XYChart chart, Guide guide, BasicStroke stroke) {
    Segment line = guide.line();
    addLine(chart, "guide " + chart.getSeriesCollection().size(), new double[]{line.x0(), line.x1()},
        new double[]{line.y0(), line.y1()}, guide.colour(), stroke);
  }

  private void addSeries(XYChart chart, SeriesKey key, List<RunResult> runs) {
    String label = seriesLabel(key);
    Color colour = colour(key.people());
    // The longest trained are dots on full lines.
    int kind = exposureCounts().reversed().indexOf(key.exposures());
    SortedMap<Long, Double> means = means(runs);
    if (!means.isEmpty()) {
      addLine(chart, "means, " + label, means.keySet().stream().mapToDouble(Long::doubleValue).toArray(),
          means.values().stream().mapToDouble(Double::doubleValue).toArray(), colour,
          ChartStyle.stroke(4, DASHES.get(kind % DASHES.size())));
    }
    LimitMarker.addRuns(chart, label, runs.stream().filter(drawn::contains).toList(), RunResult::storedBits,
        MARKERS.get(kind % MARKERS.size()), colour);
  }

  /**
   * Mean stored bits by parameters; none of several architectures, which lie on no one line. A mean at or below zero has no place on a log axis: the line passes it
   * over.
   */
  private SortedMap<Long, Double> means(List<RunResult> runs) {
    if (ArchitectureChart.compares(results)) {
      return new TreeMap<>();
    }
    TreeMap<Long, Double> means = runs.stream()
        .collect(Collectors.groupingBy(RunResult::parameters, TreeMap::new,
            Collectors.averagingDouble(RunResult::storedBits)));
    means.values().removeIf(mean -> mean <= 0);
    return means;
  }

  /** What the names of guides must stay off: every run, and the lines through them. */
  private List<Segment> taken() {
    List<Segment> taken = new ArrayList<>();
    for (RunResult run : drawn) {
      taken.add(new Segment(run.parameters(), run.storedBits(), run.parameters(), run.storedBits()));
    }
    for (List<RunResult> runs : seriesByKey().values()) {
      SortedMap<Long, Double> means = means(runs);
      List<Long> sizes = List.copyOf(means.keySet());
      for (int i = 1; i < sizes.size(); i++) {
        taken.add(new Segment(sizes.get(i - 1), means.get(sizes.get(i - 1)), sizes.get(i),
            means.get(sizes.get(i))));
      }
    }
    return taken;
  }

  private static void addLine(XYChart chart, String name, double[] x, double[] y, Color colour,
      BasicStroke stroke) {
    XYSeries line = chart.addSeries(name, x, y);
    line.setMarker(new None());
    line.setLineColor(colour);
    line.setLineStyle(stroke);
    line.setShowInLegend(false);
  }

  /** y = ratio * x, cut to the plot. */
  List<Guide> ratioLines() {
    return ratios.stream().map(ratio -> {
      double from = Math.max(parameters.low(), bits.low() / ratio);
      double to = Math.min(parameters.high(), bits.high() / ratio);
      return new Guide(ratioLabel(ratio), GUIDE, new Segment(from, ratio * from, to, ratio * to));
    }).toList();
  }

  /** All bits of each corpus, across the plot. */
  List<Guide> ceilings() {
    return results.stream()
        .sorted(Comparator.comparingLong(RunResult::people))
        .map(result -> new Guide("all " + Units.bits(result.totalBits()), colour(result.people()),
            new Segment(parameters.low(), result.totalBits(), parameters.high(), result.totalBits())))
        .distinct()
        .toList();
  }

  /**
   * 2, 1, 0.5, and on down, 0.2, 0.1, 0.05, until one is not above the best run's ratio; to 0.005 at the
   * least.
   */
  static List<Double> ratios(double best) {
    List<Double> steps = List.of(2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005);
    int count = 3;
    while (best > 0 && count < steps.size() && steps.get(count - 1) > best) {
      count++;
    }
    return steps.subList(0, count);
  }

  private static String ratioLabel(double ratio) {
    return Units.number(ratio, 3) + (ratio == 1 ? " bit/param" : " bits/param");
  }

  private SortedMap<SeriesKey, List<RunResult>> seriesByKey() {
    return results.stream()
        .collect(Collectors.groupingBy(result -> new SeriesKey(result.people(), result.exposures()),
            TreeMap::new, Collectors.toList()));
  }

  private String seriesLabel(SeriesKey key) {
    String label = "N = " + Units.label(key.people());
    return exposureCounts().size() == 1 ? label : label + ", " + Units.label(key.exposures()) + " exposures";
  }

  private List<Long> exposureCounts() {
    return sorted(RunResult::exposures);
  }

  private Color colour(long people) {
    return ChartStyle.COLOURS.get(sorted(RunResult::people).indexOf(people) % ChartStyle.COLOURS.size());
  }

  private List<Long> sorted(Function<RunResult, Long> field) {
    return results.stream().map(field).distinct().sorted().toList();
  }

  private List<String> captions() {
    List<String> captions = new ArrayList<>();
    captions
        .add("Thin lines: all the bits of each corpus of N people. Dashed lines: equal bits per parameter.");
    if (drawn.stream().anyMatch(RunResult::corpusBound)) {
      captions.add("Hollow: over 98 % of the corpus are stored, so that it is the limit.");
    }
    if (drawn.stream().anyMatch(run -> run.limitedBy() == Limit.LEARNING)) {
      captions.add("With a white dot: still learning at the end of the training.");
    }
    int missing = results.size() - drawn.size();
    if (missing > 0) {
      captions
          .add(missing + (missing == 1 ? " run that stored no bits has" : " runs that stored no bits have")
              + " no place on a log axis and " + (missing == 1 ? "is" : "are") + " not shown.");
    }
    return captions;
  }

  private void style(XYChart chart) {
    var style = chart.getStyler();
    ChartStyle.apply(style);
    ChartStyle.logX(style, parameters);
    ChartStyle.logY(style, bits);
    Function<Double, String> bitTicks = style.getYAxisTickLabelsFormattingFunction();
    style.setYAxisTickLabelsFormattingFunction(
        tick -> bitTicks.apply(tick).replaceFirst("(\\d)([kMGT]?)$", "$1 $2bit"));
    style.setChartTitlePadding(PlotLabels.headHeight(captions().size()) / 2).setMarkerSize(18);
  }
}
