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
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.analysis.chart.PlotLabels.End;
import org.knowcap.analysis.chart.PlotLabels.Guide;
import org.knowcap.analysis.chart.PlotLabels.Segment;
import org.knowcap.analysis.results.Limit;
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
 * The chart of the capacity law: parameters against stored bits, both on log axes, as figure 1 of arXiv
 * 2404.05405.
 *
 * <p>One series per corpus, exposure count, architecture and setting of the study's lists: every run is a point. A
 * line joins the means over runs of equal size, and bars show the 95 % intervals of these means over seeds. Thin
 * lines show all bits of a corpus. Dashed lines show equal bits per parameter, at 2, 1, 0.5 and further down, until
 * one lies at or below the best run.
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
  private static final List<String> DASH_NAMES = List.of("full", "dotted", "dash-dotted");

  /** More series than these are named in a legend, as their names would not find room at their lines. */
  private static final int MOST_NAMES = 14;
  /** Room for the names, as a part of the decades that the runs span. */
  private static final double ROOM_FOR_NAMES = 0.25;
  /** Names of corpora in a caption; more are told by the table. */
  private static final int MOST_CORPORA = 3;

  private record SeriesKey(long people, String architecture, String setting,
      long exposures) implements Comparable<SeriesKey> {
    private static final Comparator<SeriesKey> ORDER = Comparator.comparingLong(SeriesKey::people)
        .thenComparing(SeriesKey::architecture)
        .thenComparing(SeriesKey::setting)
        .thenComparingLong(SeriesKey::exposures);

    static SeriesKey of(RunResult run) {
      return new SeriesKey(run.people(), ArchitectureChart.architecture(run.model()),
          run.setting().orElse(""), run.exposures());
    }

    @Override
    public int compareTo(SeriesKey other) {
      return ORDER.compare(this, other);
    }
  }

  private final String study;
  private final List<RunResult> results;
  private final List<RunResult> drawn;
  private final SortedMap<SeriesKey, List<RunResult>> series;
  private final LogRange parameters;
  private final LogRange bits;
  private final List<Double> ratios;

  private CapacityChart(String study, List<RunResult> results) {
    this.study = study;
    if (results.isEmpty()) {
      throw new IllegalArgumentException("there are no results to draw");
    }
    this.results = List.copyOf(results);
    this.series = results.stream()
        .collect(Collectors.groupingBy(SeriesKey::of, TreeMap::new, Collectors.toList()));
    this.drawn = results.stream().filter(CapacityChart::hasPlace).toList();
    this.ratios = ratios(results.stream().mapToDouble(RunResult::capacityRatio).max().orElseThrow());
    LogRange sizes = LogRange.around(results.stream().mapToDouble(RunResult::parameters));
    this.parameters = named()
        ? sizes.including(sizes.high() * Math.pow(sizes.high() / sizes.low(), ROOM_FOR_NAMES))
        : sizes;
    // Each line of equal ratio crosses the plot over a factor of two at least, so that it can be seen and
    // named.
    this.bits = LogRange
        .around(Stream
            .of(results.stream().map(RunResult::totalBits), drawn.stream().map(RunResult::storedBits),
                series.values().stream().flatMap(runs -> means(runs).values().stream()))
            .flatMap(values -> values)
            .mapToDouble(Double::doubleValue))
        .including(2 * ratios.getFirst() * parameters.low())
        .including(ratios.getLast() * parameters.high() / 2);
  }

  /** The chart of these results; empty if it would show nothing. */
  static Optional<CapacityChart> shows(List<RunResult> results) {
    return !results.isEmpty() ? Optional.of(of(results)) : Optional.empty();
  }

  @Override
  public String file() {
    return "capacity";
  }

  @Override
  public String caption() {
    return "Every point is a run; lines join the means over runs of equal size, and bars are 95 % intervals of these means,"
        + " where there are several seeds.";
  }

  @Override
  public CapacityChart ofStudy(String study) {
    return new CapacityChart(study, results);
  }

  /**
   * Chart of these runs.
   *
   * @throws IllegalArgumentException if there are none
   */
  public static CapacityChart of(List<RunResult> results) {
    return new CapacityChart("", results);
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

  /** What the chart shows, in words, for readers who cannot see it. */
  private String description() {
    return "Parameters against stored bits on log axes. Dashed lines at "
        + ratios.stream().map(CapacityChart::ratioLabel).collect(Collectors.joining(", ")) + ". Series: "
        + series.keySet().stream().map(this::seriesLabel).collect(Collectors.joining("; ")) + ".";
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
    series.forEach((key, runs) -> addSeries(chart, key, runs));

    List<Guide> guides = Stream.concat(ceilings().stream(), ratioLines().stream()).toList();
    chart.getStyler().setLegendVisible(!named());
    chart.addAnnotation(new PlotLabels(TITLE, captions(), guides, named() ? ends() : List.of(), taken()));
    return chart;
  }

  private static void addGuide(XYChart chart, Guide guide, BasicStroke stroke) {
    Segment line = guide.line();
    addLine(chart, "guide " + chart.getSeriesCollection().size(), new double[]{line.x0(), line.x1()},
        new double[]{line.y0(), line.y1()}, guide.colour(), stroke);
  }

  private void addSeries(XYChart chart, SeriesKey key, List<RunResult> runs) {
    String label = seriesLabel(key);
    Color colour = colour(key);
    SortedMap<Long, Double> means = means(runs);
    if (!means.isEmpty()) {
      addLine(chart, "means, " + label, means.keySet().stream().mapToDouble(Long::doubleValue).toArray(),
          means.values().stream().mapToDouble(Double::doubleValue).toArray(), colour,
          ChartStyle.stroke(4, DASHES.get(dash(key.exposures()))));
      addIntervals(chart, label, colour, runs);
    }
    LimitMarker.addRuns(chart, label, runs.stream().filter(CapacityChart::hasPlace).toList(),
        RunResult::storedBits, MARKERS.get(marker(key) % MARKERS.size()), colour);
  }

  /** A bar through each mean of several independent runs; below the axis it is cut. */
  private void addIntervals(XYChart chart, String label, Color colour, List<RunResult> runs) {
    bySize(runs).forEach((size, same) -> {
      OptionalDouble half = SeedMeans.interval(same, RunResult::storedBits);
      double mean = same.stream().mapToDouble(RunResult::storedBits).average().orElseThrow();
      if (half.isPresent() && mean > 0) {
        addLine(chart, "interval, " + label + ", " + size, new double[]{size, size},
            new double[]{Math.max(bits.low(), mean - half.getAsDouble()),
                Math.min(bits.high(), mean + half.getAsDouble())},
            colour, ChartStyle.stroke(2, 1, 0));
      }
    });
  }

  /** Whether a log axis has a place for the run. */
  private static boolean hasPlace(RunResult run) {
    return run.storedBits() > 0;
  }

  private static SortedMap<Long, List<RunResult>> bySize(List<RunResult> runs) {
    return runs.stream()
        .collect(Collectors.groupingBy(RunResult::parameters, TreeMap::new, Collectors.toList()));
  }

  /** Names at the ends of the lines. */
  private List<End> ends() {
    List<End> ends = new ArrayList<>();
    series.forEach((key, runs) -> {
      SortedMap<Long, Double> means = means(runs);
      if (!means.isEmpty()) {
        ends.add(new End(seriesLabel(key), colour(key), means.lastKey(), means.get(means.lastKey())));
      }
    });
    return ends;
  }

  /** Whether the lines have their names beside them. */
  private boolean named() {
    return series.size() <= MOST_NAMES;
  }

  /** The longest trained have full lines. */
  private int dash(long exposures) {
    return exposureCounts().reversed().indexOf(exposures) % DASHES.size();
  }

  /** Architectures have markers of their own, if there are several; otherwise exposures have. */
  private int marker(SeriesKey key) {
    List<String> architectures = architectures();
    return architectures.size() > 1
        ? architectures.indexOf(key.architecture())
        : exposureCounts().reversed().indexOf(key.exposures());
  }

  private List<String> architectures() {
    return series.keySet().stream().map(SeriesKey::architecture).distinct().sorted().toList();
  }

  /**
   * Mean stored bits by parameters. A mean at or below zero has no place on a log axis: the line passes it over.
   */
  private static SortedMap<Long, Double> means(List<RunResult> runs) {
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
    for (List<RunResult> runs : series.values()) {
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
    SortedMap<Double, RunResult> byBits = new TreeMap<>();
    results.forEach(result -> byBits.putIfAbsent(result.totalBits(), result));
    return byBits.values()
        .stream()
        .map(result -> new Guide("all " + Units.bits(result.totalBits()), ceilingColour(result),
            new Segment(parameters.low(), result.totalBits(), parameters.high(), result.totalBits())))
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

  private String seriesLabel(SeriesKey key) {
    List<String> words = new ArrayList<>();
    if (architectures().size() == 1 || sorted(RunResult::people).size() > 1) {
      words.add("N = " + Units.label(key.people()));
    }
    if (architectures().size() > 1) {
      words.add(key.architecture());
    }
    if (!key.setting().isEmpty()) {
      words.add(key.setting().replace('_', ' '));
    }
    if (exposureCounts().size() > 1) {
      words.add(Units.label(key.exposures()) + " exposures");
    }
    return String.join(", ", words);
  }

  private List<Long> exposureCounts() {
    return sorted(RunResult::exposures);
  }

  /** Corpora have colours of their own; if there is one alone, architectures have, or settings, or exposures. */
  private Color colour(SeriesKey key) {
    return Stream
        .<Function<SeriesKey, Object>>of(SeriesKey::people, SeriesKey::architecture, SeriesKey::setting,
            SeriesKey::exposures)
        .map(part -> {
          List<Object> all = series.keySet().stream().map(part).distinct().toList();
          return all.size() == 1
              ? Optional.<Color>empty()
              : Optional.of(ChartStyle.COLOURS.get(all.indexOf(part.apply(key)) % ChartStyle.COLOURS.size()));
        })
        .flatMap(Optional::stream)
        .findFirst()
        .orElse(ChartStyle.COLOURS.getFirst());
  }

  private Color ceilingColour(RunResult run) {
    return sorted(RunResult::people).size() == 1 ? GUIDE : colour(SeriesKey.of(run));
  }

  private List<Long> sorted(Function<RunResult, Long> field) {
    return results.stream().map(field).distinct().sorted().toList();
  }

  private List<String> captions() {
    List<String> captions = new ArrayList<>(List.of((study.isEmpty() ? "" : study + ": ") + subject()));
    captions.add("Horizontal lines: all the bits of a corpus. Grey dashed lines: equal bits per parameter.");
    captions.add(lines());
    if (series.values()
        .stream()
        .flatMap(runs -> bySize(runs).values().stream())
        .anyMatch(runs -> SeedMeans.interval(runs, RunResult::storedBits).isPresent())) {
      captions.add("Bars: 95 % intervals of the means over seeds.");
    }
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

  /** The corpora and how long they were trained on. */
  private String subject() {
    List<String> corpora = results.stream()
        .sorted(Comparator.comparingLong(RunResult::people))
        .map(RunResult::corpus)
        .distinct()
        .toList();
    return (corpora.size() <= MOST_CORPORA
        ? String.join("; ", corpora)
        : corpora.getFirst() + " to " + corpora.getLast() + ", " + corpora.size() + " corpora")
        + "; exposures: " + exposureCounts().stream().map(Units::label).collect(Collectors.joining(", "))
        + ".";
  }

  private String lines() {
    List<Long> counts = exposureCounts().reversed();
    String styles = counts.size() == 1
        ? ""
        : IntStream.range(0, counts.size())
            .mapToObj(i -> DASH_NAMES.get(i % DASHES.size()) + " after " + Units.label(counts.get(i)))
            .collect(Collectors.joining(", ", " (", " exposures)"));
    return "Coloured lines join means of runs of one size" + styles + ".";
  }

  private void style(XYChart chart) {
    var style = chart.getStyler();
    ChartStyle.apply(style);
    ChartStyle.logX(style, parameters);
    ChartStyle.logBits(style, bits);
    style.setChartTitlePadding(PlotLabels.headHeight(captions().size()) / 2).setMarkerSize(18);
  }
}
