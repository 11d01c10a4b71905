package org.knowcap.analysis.chart;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.analysis.chart.PlotLabels.Segment;
import org.knowcap.analysis.law.Estimate;
import org.knowcap.analysis.law.PowerLaw;
import org.knowcap.analysis.law.SkillsLaw;
import org.knowcap.analysis.units.Units;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.Circle;
import org.knowm.xchart.style.markers.Diamond;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.Square;
import org.knowm.xchart.style.markers.TriangleUp;

/**
 * The chart of a law of quantised skills on log axes, of stored bits or of the loss against all exposures, with the slope that the
 * model of skills predicts.
 */
public final class SkillsChart implements Chart {
  private static final int STEPS = 40;
  private static final List<Marker> MARKERS = List.of(new Circle(), new Diamond(), new Square(),
      new TriangleUp());

  /** What is drawn against all exposures. */
  private enum Figure {
    STORED("skills-bits", "Stored bits of values against all exposures", "Stored bits of values", "1/a",
        SkillsLaw.Point::storedBits, SkillsLaw.Point::used, SkillsLaw::stored, law -> 1 / law.zipf()),
    LOSS("skills-loss", "Loss of values against all exposures",
        "Loss above that of known values (nats an exposure)", "-(a - 1)/a", SkillsLaw.Point::excessLoss,
        SkillsLaw.Point::usedForLoss, SkillsLaw::loss, law -> (1 - law.zipf()) / law.zipf());

    private final String file;
    private final String title;
    private final String axis;
    private final String slope;
    private final Function<SkillsLaw.Point, Estimate> measured;
    private final Predicate<SkillsLaw.Point> used;
    private final Function<SkillsLaw, Optional<PowerLaw>> law;
    private final ToDoubleFunction<SkillsLaw> derived;

    Figure(String file, String title, String axis, String slope, Function<SkillsLaw.Point, Estimate> measured,
        Predicate<SkillsLaw.Point> used, Function<SkillsLaw, Optional<PowerLaw>> law,
        ToDoubleFunction<SkillsLaw> derived) {
      this.file = file;
      this.title = title;
      this.axis = axis;
      this.slope = slope;
      this.measured = measured;
      this.used = used;
      this.law = law;
      this.derived = derived;
    }

    /** Points that a log axis can show. */
    Stream<SkillsLaw.Point> points(SkillsLaw of) {
      return of.points().stream().filter(point -> measured.apply(point).value() > 0);
    }
  }

  private final Figure figure;
  private final List<SkillsLaw> laws;
  private final LogRange exposures;
  private final LogRange values;

  private SkillsChart(Figure figure, List<SkillsLaw> laws) {
    this.figure = figure;
    this.laws = laws;
    exposures = LogRange.around(laws.stream().flatMap(figure::points).mapToDouble(SkillsLaw.Point::total));
    values = LogRange.around(
        laws.stream().flatMap(figure::points).mapToDouble(point -> figure.measured.apply(point).value()));
  }

  /** The charts of these laws: of stored bits and of the loss, where any are above zero. */
  public static List<SkillsChart> of(List<SkillsLaw> laws) {
    return Stream.of(Figure.values())
        .filter(figure -> laws.stream().flatMap(figure::points).findAny().isPresent())
        .map(figure -> new SkillsChart(figure, laws))
        .toList();
  }

  @Override
  public String file() {
    return figure.file;
  }

  @Override
  public String caption() {
    return "Means over seeds with 95 % intervals; hollow: not used. Lines: the fitted power laws, bands: their 95 % intervals."
        + " Dashed: the derived slope, through the middle of the points that are used.";
  }

  private List<String> captions() {
    return List.of(laws.stream().map(SkillsLaw::corpus).distinct().collect(Collectors.joining("; ")),
        "Means over seeds and 95 % intervals; hollow: not used. Lines and bands: fitted power laws. Dashed: the derived slope "
            + figure.slope + " = "
            + laws.stream()
                .map(law -> Units.ratio(figure.derived.applyAsDouble(law)))
                .distinct()
                .collect(Collectors.joining(", "))
            + ".");
  }

  @Override
  public String svg() {
    return LawPlot.svg(chart(), file(), figure.title,
        "All exposures against " + figure.axis + " on log axes. "
            + laws.stream()
                .map(law -> law.name() + ": " + String.join(" ", law.summary()))
                .collect(Collectors.joining(" ")));
  }

  @Override
  public void write(Path folder) throws IOException {
    LawPlot.write(folder, this, chart());
  }

  private String label(SkillsLaw law) {
    List<String> parts = new ArrayList<>(List.of(law.model()));
    if (laws.stream().map(SkillsLaw::corpus).distinct().count() > 1) {
      parts.add(law.corpus());
    }
    if (!law.setting().isEmpty()) {
      parts.add(law.setting());
    }
    return String.join(", ", parts);
  }

  XYChart chart() {
    XYChart chart = LawPlot.blank(" ", "All exposures together (T)", figure.axis);
    ChartStyle.logX(chart.getStyler(), exposures);
    if (figure == Figure.STORED) {
      ChartStyle.logBits(chart.getStyler(), values);
    } else {
      ChartStyle.logY(chart.getStyler(), values);
    }
    chart.getStyler().setChartTitlePadding(PlotLabels.headHeight(captions().size()) / 2);
    laws.stream()
        .flatMap(law -> derived(law).stream())
        .forEach(line -> LawPlot.line(chart, "", new double[]{line.x0(), line.x1()},
            new double[]{line.y0(), line.y1()}, LawPlot.GUIDE, ChartStyle.stroke(3, 14, 10)));
    for (int i = 0; i < laws.size(); i++) {
      add(chart, laws.get(i), ChartStyle.COLOURS.get(i % ChartStyle.COLOURS.size()),
          MARKERS.get(i % MARKERS.size()));
    }
    chart.addAnnotation(new PlotLabels(figure.title, captions(), List.of(), List.of(), List.of()));
    return chart;
  }

  /** The derived slope, from one edge to the other. */
  private Optional<Segment> derived(SkillsLaw skills) {
    double slope = figure.derived.applyAsDouble(skills);
    return figure.law.apply(skills).map(law -> {
      double centre = law.centre();
      double level = law.at(centre).value();
      double atLow = centre * Math.pow(values.low() / level, 1 / slope);
      double atHigh = centre * Math.pow(values.high() / level, 1 / slope);
      double from = Math.max(exposures.low(), Math.min(atLow, atHigh));
      double to = Math.min(exposures.high(), Math.max(atLow, atHigh));
      return new Segment(from, level * Math.pow(from / centre, slope), to,
          level * Math.pow(to / centre, slope));
    });
  }

  private void add(XYChart chart, SkillsLaw skills, Color colour, Marker form) {
    figure.law.apply(skills).ifPresent(law -> addLaw(chart, law, colour));
    List<SkillsLaw.Point> points = figure.points(skills).toList();
    points.forEach(
        point -> LawPlot.errorBar(chart, point.total(), figure.measured.apply(point), values, colour));
    boolean named = false;
    for (boolean used : new boolean[]{true, false}) {
      List<SkillsLaw.Point> own = points.stream().filter(point -> figure.used.test(point) == used).toList();
      if (!own.isEmpty()) {
        LawPlot.points(chart, named ? "" : label(skills),
            own.stream().mapToDouble(SkillsLaw.Point::total).toArray(),
            own.stream().mapToDouble(point -> figure.measured.apply(point).value()).toArray(), colour,
            used ? form : new Hollow(form));
        named = true;
      }
    }
  }

  private void addLaw(XYChart chart, PowerLaw law, Color colour) {
    double from = law.points().stream().mapToDouble(PowerLaw.Point::x).min().orElseThrow();
    double to = law.points().stream().mapToDouble(PowerLaw.Point::x).max().orElseThrow();
    double[] x = IntStream.rangeClosed(0, STEPS)
        .mapToDouble(i -> from * Math.pow(to / from, (double) i / STEPS))
        .toArray();
    List<Estimate> at = DoubleStream.of(x).mapToObj(law::at).toList();
    if (law.gamma().hasInterval()) {
      LawPlot.band(chart, x, at.stream().mapToDouble(y -> values.clamped(y.low().getAsDouble())).toArray(),
          at.stream().mapToDouble(y -> values.clamped(y.high().getAsDouble())).toArray(), colour);
    }
    LawPlot.line(chart, "", new double[]{from, to}, new double[]{at.getFirst().value(), at.getLast().value()},
        colour, law.gamma().hasInterval() ? ChartStyle.stroke(4, 1, 0) : ChartStyle.stroke(4, 6, 8));
  }
}
