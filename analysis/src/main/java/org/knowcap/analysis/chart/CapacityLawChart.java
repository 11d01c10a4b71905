package org.knowcap.analysis.chart;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.analysis.chart.PlotLabels.Guide;
import org.knowcap.analysis.chart.PlotLabels.Segment;
import org.knowcap.analysis.law.CapacityLaw;
import org.knowcap.analysis.law.Cell;
import org.knowcap.analysis.law.Estimate;
import org.knowcap.analysis.law.Peak;
import org.knowcap.analysis.law.PowerLaw;
import org.knowcap.analysis.law.PublishedCapacity;
import org.knowcap.analysis.units.Units;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.Circle;
import org.knowm.xchart.style.markers.Cross;
import org.knowm.xchart.style.markers.Diamond;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.Square;
import org.knowm.xchart.style.markers.TriangleUp;

/**
 * The chart of capacity laws, on log axes. It shows the bits that each model stores at its peak of R, with
 * intervals; the fitted law with the band of its interval; small points for the cells beside the peaks; and lines of
 * equal bits per parameter.
 */
public final class CapacityLawChart implements Chart {
  private static final String TITLE = "Stored bits at the peak of R";
  private static final List<Marker> MARKERS = List.of(new Circle(), new Diamond(), new Square(),
      new TriangleUp());
  private static final Color PUBLISHED = new Color(0x9A9A9A);
  private static final int STEPS = 60;

  private final String study;
  private final List<CapacityLaw> laws;
  private final List<PublishedCapacity.Point> published;
  private final LogRange parameters;
  private final LogRange bits;
  private final List<Double> ratios;

  private CapacityLawChart(String study, List<CapacityLaw> laws, List<PublishedCapacity.Point> published) {
    this.study = study;
    this.published = published;
    this.laws = laws.stream().filter(law -> !law.peaks().isEmpty()).toList();
    if (this.laws.isEmpty()) {
      throw new IllegalArgumentException("there are no peaks to draw");
    }
    List<Cell> cells = cells();
    parameters = LogRange.around(DoubleStream.concat(cells.stream().mapToDouble(Cell::parameters),
        published.stream().mapToDouble(PublishedCapacity.Point::parameters)));
    bits = LogRange.around(DoubleStream.concat(cells.stream().mapToDouble(cell -> cell.storedBits().value()),
        published.stream().mapToDouble(PublishedCapacity.Point::storedBits)));
    ratios = CapacityChart
        .ratios(cells.stream().mapToDouble(cell -> cell.ratio().value()).max().orElseThrow());
  }

  /** The chart of these laws, if there are any. */
  static Optional<CapacityLawChart> shows(List<CapacityLaw> laws) {
    return laws.isEmpty() ? Optional.empty() : Optional.of(of(laws, Optional.empty()));
  }

  /**
   * The chart of these laws.
   *
   * @param overlay published points to draw, if any
   * @throws IllegalArgumentException if no law has a peak
   */
  public static CapacityLawChart of(List<CapacityLaw> laws, Optional<PublishedCapacity> overlay) {
    return new CapacityLawChart("", laws, overlay.map(PublishedCapacity::points).orElse(List.of()));
  }

  @Override
  public CapacityLawChart ofStudy(String study) {
    return new CapacityLawChart(study, laws, published);
  }

  private List<Cell> cells() {
    return laws.stream()
        .flatMap(law -> law.peaks().stream())
        .flatMap(peak -> peak.cells().stream())
        .filter(cell -> cell.storedBits().value() > 0)
        .toList();
  }

  @Override
  public String file() {
    return "capacity-law";
  }

  @Override
  public String caption() {
    return "Large: of each model the corpus from which it stores most bits per parameter, mean over seeds, with the 95 % "
        + "interval; hollow where the peak is not bracketed, not known to be limited by its model, or has no interval. Small: its "
        + "other corpora. Lines: the law through the peaks, dashed where it is no law; band: its 95 % interval. Dashed and grey: "
        + "equal bits per parameter."
        + (published.isEmpty() ? "" : " Grey: points published in arXiv 2404.05405.");
  }

  /** Under the title: what was measured, and how to read it. */
  private List<String> captions() {
    String corpora = laws.stream().map(CapacityLaw::corpus).distinct().collect(Collectors.joining("; "));
    String exposures = laws.stream()
        .map(CapacityLaw::exposures)
        .distinct()
        .sorted()
        .map(Units::label)
        .collect(Collectors.joining(", "));
    return List.of((study.isEmpty() ? "" : study + ": ") + corpora + "; exposures: " + exposures + ".",
        "Large: the peak of each model, hollow where it is no capacity; bars: 95 % intervals over seeds. Small: its other"
            + " corpora.",
        "Lines: laws (dashed: no law), bands: their 95 % intervals. Grey dashed lines: equal bits per parameter.");
  }

  @Override
  public String svg() {
    return LawPlot.svg(chart(), file(), TITLE, "Parameters against stored bits on log axes. "
        + laws.stream().flatMap(law -> law.summary().stream()).collect(Collectors.joining(" ")));
  }

  @Override
  public void write(Path folder) throws IOException {
    LawPlot.write(folder, this, chart());
  }

  private String label(CapacityLaw law) {
    List<String> parts = new ArrayList<>(List.of(law.family()));
    if (laws.stream().map(CapacityLaw::corpus).distinct().count() > 1) {
      parts.add(law.corpus());
    }
    if (!law.variant().isEmpty()) {
      parts.add(law.variant());
    }
    if (laws.stream().mapToLong(CapacityLaw::exposures).distinct().count() > 1) {
      parts.add(Units.label(law.exposures()) + " exposures");
    }
    return String.join(", ", parts);
  }

  XYChart chart() {
    XYChart chart = LawPlot.blank(" ", "Model size (parameters)", "Stored knowledge (bits)");
    ChartStyle.logX(chart.getStyler(), parameters);
    ChartStyle.logBits(chart.getStyler(), bits);
    // PlotLabels writes the title: a blank one keeps the room for it.
    chart.getStyler().setChartTitlePadding(PlotLabels.headHeight(captions().size()) / 2);
    List<Guide> guides = guides();
    for (Guide guide : guides) {
      LawPlot.line(chart, "", new double[]{guide.line().x0(), guide.line().x1()},
          new double[]{guide.line().y0(), guide.line().y1()}, LawPlot.GUIDE, ChartStyle.stroke(2, 14, 10));
    }
    if (!published.isEmpty()) {
      LawPlot.points(chart, "published (arXiv 2404.05405)",
          published.stream().mapToDouble(PublishedCapacity.Point::parameters).toArray(),
          published.stream().mapToDouble(PublishedCapacity.Point::storedBits).toArray(), PUBLISHED,
          new Sized(new Cross(), 0.6));
    }
    List<Segment> taken = new ArrayList<>();
    for (int i = 0; i < laws.size(); i++) {
      Color colour = ChartStyle.COLOURS.get(i % ChartStyle.COLOURS.size());
      add(chart, laws.get(i), label(laws.get(i)), colour, MARKERS.get(i % MARKERS.size()), taken);
    }
    chart.addAnnotation(new PlotLabels(TITLE, captions(), guides, List.of(), taken));
    return chart;
  }

  private void add(XYChart chart, CapacityLaw law, String label, Color colour, Marker form,
      List<Segment> taken) {
    law.law().ifPresent(found -> addLaw(chart, found, colour));
    List<Cell> others = law.peaks()
        .stream()
        .flatMap(peak -> peak.cells().stream().filter(cell -> cell != peak.cell()))
        .filter(cell -> cell.storedBits().value() > 0)
        .toList();
    if (!others.isEmpty()) {
      LawPlot.points(chart, "", others.stream().mapToDouble(Cell::parameters).toArray(),
          others.stream().mapToDouble(cell -> cell.storedBits().value()).toArray(), colour,
          new Sized(form, 0.4));
    }
    for (Peak peak : law.peaks()) {
      LawPlot.errorBar(chart, peak.cell().parameters(), peak.cell().storedBits(), bits, colour);
    }
    boolean named = false;
    for (boolean capacity : new boolean[]{true, false}) {
      List<Cell> peaks = law.peaks()
          .stream()
          .filter(peak -> peak.isCapacity() == capacity)
          .map(Peak::cell)
          .toList();
      if (!peaks.isEmpty()) {
        LawPlot.points(chart, named ? "" : label, peaks.stream().mapToDouble(Cell::parameters).toArray(),
            peaks.stream().mapToDouble(cell -> cell.storedBits().value()).toArray(), colour,
            capacity ? form : new Hollow(form));
        named = true;
      }
      peaks.forEach(cell -> taken.add(new Segment(cell.parameters(), cell.storedBits().value(),
          cell.parameters(), cell.storedBits().value())));
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
      LawPlot.band(chart, x, at.stream().mapToDouble(y -> bits.clamped(y.low().getAsDouble())).toArray(),
          at.stream().mapToDouble(y -> bits.clamped(y.high().getAsDouble())).toArray(), colour);
    }
    LawPlot.line(chart, "", new double[]{from, to}, new double[]{law.at(from).value(), law.at(to).value()},
        colour, law.gamma().hasInterval() ? ChartStyle.stroke(4, 1, 0) : ChartStyle.stroke(4, 6, 8));
  }

  private List<Guide> guides() {
    return ratios.stream().flatMap(ratio -> {
      double from = Math.max(parameters.low(), bits.low() / ratio);
      double to = Math.min(parameters.high(), bits.high() / ratio);
      return to > 1.3 * from
          ? Stream.of(new Guide(Units.number(ratio, 3) + (ratio == 1 ? " bit/param" : " bits/param"),
              LawPlot.GUIDE, new Segment(from, ratio * from, to, ratio * to)))
          : Stream.of();
    }).toList();
  }
}
