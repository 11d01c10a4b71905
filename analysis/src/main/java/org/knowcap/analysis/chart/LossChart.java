package org.knowcap.analysis.chart;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.analysis.chart.PlotLabels.Guide;
import org.knowcap.analysis.chart.PlotLabels.Segment;
import org.knowcap.analysis.law.Estimate;
import org.knowcap.analysis.law.LossFit;
import org.knowcap.analysis.law.LossLaw;
import org.knowcap.analysis.law.LossPoint;
import org.knowcap.analysis.units.Units;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.Circle;
import org.knowm.xchart.style.markers.Diamond;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.Square;
import org.knowm.xchart.style.markers.TriangleDown;
import org.knowm.xchart.style.markers.TriangleUp;

/**
 * The chart of a law of losses against data, with a line for each size of model, or against size, with a line for each amount of
 * data. More than six sizes or amounts are joined in groups, and the line of a group is that of its geometric mean.
 */
public final class LossChart implements Chart {
  private static final int MOST_LINES = 6;
  /** Sizes of one model differ by less, because the vocabulary may depend on the corpus. */
  private static final double ALIKE = 1.05;
  private static final int MANY_POINTS = 100;
  /** XChart puts points on whole pixels, so that a line of many short pieces is not smooth. */
  private static final int STEPS = 24;
  private static final List<Marker> MARKERS = List.of(new Circle(), new Diamond(), new Square(),
      new TriangleUp(), new TriangleDown(), new Hollow(new Circle()));
  /** From small to large: viridis without its light end, told apart with any kind of colour vision and in grey. */
  private static final List<Color> ORDERED = List.of(new Color(0x440154), new Color(0x414487),
      new Color(0x2A788E), new Color(0x22A884), new Color(0x6CBF3B), new Color(0xC9A900));

  /** What the horizontal axis shows. */
  private enum Against {
    DATA("loss-data", "Loss against data", "Training data (tokens)", "P", "parameters", LossPoint::tokens,
        LossPoint::parameters),
    SIZE("loss-size", "Loss against size", "Model size (parameters)", "D", "tokens", LossPoint::parameters,
        LossPoint::tokens);

    private final String file;
    private final String title;
    private final String axis;
    private final String symbol;
    private final String unit;
    private final ToDoubleFunction<LossPoint> x;
    private final ToDoubleFunction<LossPoint> other;

    Against(String file, String title, String axis, String symbol, String unit, ToDoubleFunction<LossPoint> x,
        ToDoubleFunction<LossPoint> other) {
      this.file = file;
      this.title = title;
      this.axis = axis;
      this.symbol = symbol;
      this.unit = unit;
      this.x = x;
      this.other = other;
    }
  }

  /**
   * Points of one line.
   *
   * @param centre geometric mean of what they have in common
   * @param one whether that is one size or amount
   */
  private record Group(double centre, boolean one, List<LossPoint> points) {}

  private final Against against;
  private final List<LossPoint> points;
  private final LossFit fit;
  private final List<Group> groups;

  private LossChart(Against against, List<LossPoint> points, LossFit fit) {
    this.against = against;
    this.points = List.copyOf(points);
    this.fit = fit;
    this.groups = groups(points, against.other);
  }

  /** The charts of a fit: against data and against size. */
  public static List<LossChart> of(List<LossPoint> points, LossFit fit) {
    return Stream.of(Against.values()).map(against -> new LossChart(against, points, fit)).toList();
  }

  /** Ascending. */
  private static List<Group> groups(List<LossPoint> points, ToDoubleFunction<LossPoint> figure) {
    double[] values = points.stream().mapToDouble(figure).sorted().distinct().toArray();
    List<Double> starts = new ArrayList<>();
    for (double value : values) {
      if (starts.isEmpty() || value > ALIKE * starts.getLast()) {
        starts.add(value);
      }
    }
    boolean each = starts.size() <= MOST_LINES;
    if (!each) {
      double least = values[0];
      double span = values[values.length - 1] / least;
      starts = IntStream.range(0, MOST_LINES)
          .mapToObj(i -> least * Math.pow(span, (double) i / MOST_LINES))
          .toList();
    }
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < starts.size(); i++) {
      double from = i == 0 ? 0 : starts.get(i);
      double to = i + 1 < starts.size() ? starts.get(i + 1) : Double.POSITIVE_INFINITY;
      List<LossPoint> own = points.stream()
          .filter(point -> figure.applyAsDouble(point) >= from && figure.applyAsDouble(point) < to)
          .toList();
      if (!own.isEmpty()) {
        groups.add(new Group(
            Math.exp(
                own.stream().mapToDouble(p -> Math.log(figure.applyAsDouble(p))).average().orElseThrow()),
            each, own));
      }
    }
    return List.copyOf(groups);
  }

  @Override
  public String file() {
    return against.file;
  }

  @Override
  public String caption() {
    return "Points: measured. Lines: the law, with the 95 % interval of the law (not of a further run) at each place as a band"
        + (groups.getFirst().one
            ? "."
            : "; each line is of the geometric mean of the points with its mark, which lie above and below it.")
        + " Dashed: E.";
  }

  private List<String> captions() {
    List<Estimate> found = fit.estimates();
    return List.of(
        "loss = E + A / P^alpha + B / D^beta; alpha = " + words(found.get(3)) + ", beta = "
            + words(found.get(4)),
        groups.getFirst().one
            ? "Points: measured. Lines and bands: the law and its 95 % interval."
            : "Points: measured. Lines and bands: the law and its 95 % interval at the geometric mean of each mark's points.");
  }

  private static String words(Estimate estimate) {
    return Units.ratio(estimate.value()) + (estimate.hasInterval()
        ? " (" + Units.ratio(estimate.low().getAsDouble()) + " to "
            + Units.ratio(estimate.high().getAsDouble()) + ")"
        : "");
  }

  @Override
  public String svg() {
    return LawPlot.svg(chart(), file(), against.title,
        against.axis + " on a log axis against the loss in nats a token. "
            + IntStream.range(0, LossLaw.NAMES.size())
                .mapToObj(i -> LossLaw.NAMES.get(i) + " = " + fit.estimates().get(i))
                .reduce((a, b) -> a + "; " + b)
                .orElseThrow()
            + ".");
  }

  @Override
  public void write(Path folder) throws IOException {
    LawPlot.write(folder, this, chart());
  }

  private Estimate at(Group group, double x) {
    return against == Against.DATA ? fit.at(group.centre, x) : fit.at(x, group.centre);
  }

  private String label(Group group) {
    return String.format(Locale.ROOT, "%s %s %s %s", against.symbol, group.one ? "=" : "near",
        Units.brief(rounded(group.centre)), against.unit);
  }

  private static double rounded(double number) {
    double unit = Math.pow(10, Math.floor(Math.log10(number)) - 1);
    return Math.round(number / unit) * unit;
  }

  XYChart chart() {
    XYChart chart = LawPlot.blank(" ", against.axis, "Loss (nats a token)");
    chart.getStyler().setChartTitlePadding(PlotLabels.headHeight(captions().size()) / 2);
    LogRange range = LogRange.around(points.stream().mapToDouble(against.x));
    ChartStyle.logX(chart.getStyler(), range);
    double least = points.stream().mapToDouble(LossPoint::loss).min().orElseThrow();
    double most = points.stream().mapToDouble(LossPoint::loss).max().orElseThrow();
    double irreducible = fit.law().irreducible();
    // Far below all points E would leave them no room.
    boolean shown = least - irreducible < most - least;
    double low = (shown ? irreducible : least) - 0.08 * (most - least);
    double high = most + 0.08 * (most - least);
    chart.getStyler().setYAxisMin(low).setYAxisMax(high);
    List<Guide> guides = new ArrayList<>();
    if (shown) {
      guides.add(new Guide("E = " + words(fit.estimates().getFirst()), LawPlot.GUIDE,
          new Segment(range.low(), irreducible, range.high(), irreducible)));
      LawPlot.line(chart, "", new double[]{range.low(), range.high()}, new double[]{irreducible, irreducible},
          LawPlot.GUIDE, ChartStyle.stroke(2, 14, 10));
    }
    double from = points.stream().mapToDouble(against.x).min().orElseThrow();
    double to = points.stream().mapToDouble(against.x).max().orElseThrow();
    double[] x = IntStream.rangeClosed(0, STEPS)
        .mapToDouble(i -> from * Math.pow(to / from, (double) i / STEPS))
        .toArray();
    for (int i = 0; i < groups.size(); i++) {
      line(chart, groups.get(i), x, low, high, colour(i));
    }
    List<Segment> taken = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      Group group = groups.get(i);
      Marker marker = MARKERS.get(i);
      LawPlot.points(chart, label(group), group.points.stream().mapToDouble(against.x).toArray(),
          group.points.stream().mapToDouble(LossPoint::loss).toArray(), colour(i),
          points.size() > MANY_POINTS ? new Sized(marker, 0.6) : marker);
      group.points.forEach(point -> taken.add(new Segment(against.x.applyAsDouble(point), point.loss(),
          against.x.applyAsDouble(point), point.loss())));
    }
    chart.addAnnotation(new PlotLabels(against.title, captions(), guides, List.of(), taken));
    return chart;
  }

  /** Of few lines as different as of many. */
  private Color colour(int group) {
    return ORDERED
        .get(groups.size() == 1 ? 0 : group * (ORDERED.size() - 1) / Math.max(1, groups.size() - 1));
  }

  private void line(XYChart chart, Group group, double[] x, double low, double high, Color colour) {
    Estimate[] at = IntStream.range(0, x.length).mapToObj(i -> at(group, x[i])).toArray(Estimate[]::new);
    if (at[0].hasInterval()) {
      LawPlot.band(chart, x,
          Stream.of(at).mapToDouble(y -> Math.clamp(y.low().getAsDouble(), low, high)).toArray(),
          Stream.of(at).mapToDouble(y -> Math.clamp(y.high().getAsDouble(), low, high)).toArray(), colour);
    }
    LawPlot.line(chart, "", x, Stream.of(at).mapToDouble(y -> Math.clamp(y.value(), low, high)).toArray(),
        colour, ChartStyle.stroke(4, 1, 0));
  }
}
