package org.knowcap.analysis.chart;

import java.awt.Color;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.knowcap.analysis.corpus.CorpusDescription;
import org.knowcap.analysis.corpus.CorpusDescription.Bin;
import org.knowcap.analysis.corpus.CorpusDescription.PartBits;
import org.knowcap.analysis.corpus.CorpusDescription.Reach;
import org.knowcap.analysis.corpus.CorpusDescription.VocabularyUse;
import org.knowcap.analysis.units.Units;
import org.knowcap.files.WholeFile;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.HorizontalBarChart;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.internal.chartpart.IChart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.None;

/** Charts that describe a corpus: bits by part, lengths of texts, and the use of its vocabulary. */
public final class CorpusCharts {
  private static final int WIDTH = 1400;
  private static final int HEIGHT = 860;
  private static final int BARS_HEIGHT = 560;
  private static final int MOST_BINS = 60;
  /** Points of a curve of ranks, evenly spaced on a log axis. */
  private static final int RANKS = 300;

  /**
   * A chart to be put into a page or a file.
   *
   * @param name     of its file, without the ending
   * @param title    of the chart
   * @param svg      a document that scales with its width
   */
  public record Drawing(String name, String title, String svg) {}

  private record Drawn(String name, String title, int height, IChart chart) {}

  private final CorpusDescription corpus;

  private CorpusCharts(CorpusDescription corpus) {
    this.corpus = corpus;
  }

  /** Charts of this corpus. */
  public static CorpusCharts of(CorpusDescription corpus) {
    return new CorpusCharts(corpus);
  }

  /**
   * Writes each chart as SVG and PNG into {@code folder}.
   *
   * @throws IOException if they cannot be written
   */
  public void write(Path folder) throws IOException {
    for (Drawing drawing : drawings()) {
      WholeFile.write(folder.resolve(drawing.name() + ".svg"),
          out -> out.write(drawing.svg().getBytes(StandardCharsets.UTF_8)));
    }
    for (Drawn drawn : drawn()) {
      WholeFile.write(folder.resolve(drawn.name() + ".png"),
          out -> ChartEncoder.saveChart(drawn.chart(), out, "png"));
    }
  }

  /** The charts in the order in which they are read. */
  public List<Drawing> drawings() {
    return drawn().stream().map(drawn -> {
      try {
        String svg = new String(ChartEncoder.getBytes(drawn.chart(), "svg"), StandardCharsets.UTF_8);
        return new Drawing(drawn.name(), drawn.title(), SvgDocument.finished(drawn.name(), svg, WIDTH,
            drawn.height(), drawn.title(), drawn.title() + " of " + corpus.name()));
      } catch (IOException e) {
        throw new UncheckedIOException("the chart could not be drawn in memory", e);
      }
    }).toList();
  }

  private List<Drawn> drawn() {
    return List.of(bits(), lengths(), ranks(), reach());
  }

  /** Bits by part of the source that is studied. */
  private Drawn bits() {
    List<PartBits> parts = corpus.sources().getFirst().bits();
    String title = corpus.sources().size() == 1 ? "Bits by part" : "Bits by part of the first source";
    HorizontalBarChart chart = new HorizontalBarChart(WIDTH, BARS_HEIGHT);
    chart.setTitle(title);
    chart.setXAxisTitle("Knowledge (bits)");
    style(chart.getStyler());
    chart.getStyler().setAvailableSpaceFill(0.6).setLegendVisible(false);
    chart.getStyler().setXAxisMin(0.0).setXAxisTickLabelsFormattingFunction(Units::brief);
    // XChart leaves out names of bars that are closer to each other than ticks of the x axis.
    chart.getStyler().setPlotGridHorizontalLinesVisible(false).setXAxisTickMarkSpacingHint(90);
    chart
        .addSeries("bits", parts.stream().map(PartBits::bits).toList(),
            parts.stream().map(part -> part.part() + ", " + Units.bits(part.bits())).toList())
        .setFillColor(ChartStyle.COLOURS.getFirst());
    return new Drawn("bits", title, BARS_HEIGHT, chart);
  }

  /** A histogram of the lengths of texts for each source. */
  private Drawn lengths() {
    XYChart chart = chart("Lengths of texts", "Tokens of a text", "Texts (%)");
    List<List<Bin>> histograms = corpus.histograms(MOST_BINS);
    for (int source = 0; source < histograms.size(); source++) {
      List<Double> x = new ArrayList<>();
      List<Double> y = new ArrayList<>();
      for (Bin bin : histograms.get(source)) {
        x.addAll(List.of((double) bin.from(), (double) bin.end()));
        y.addAll(List.of(100 * bin.share(), 100 * bin.share()));
      }
      x.addFirst(x.getFirst());
      y.addFirst(0.0);
      x.addLast(x.getLast());
      y.addLast(0.0);
      XYSeries series = chart.addSeries(label(source), x, y);
      series.setXYSeriesRenderStyle(XYSeriesRenderStyle.Area);
      colour(series, source);
    }
    double most = histograms.stream().flatMap(List::stream).mapToDouble(Bin::share).max().orElseThrow();
    chart.getStyler().setYAxisMin(0.0).setYAxisMax(105 * most).setLegendVisible(histograms.size() > 1);
    chart.getStyler().setLegendPosition(LegendPosition.OutsideS);
    return new Drawn("lengths", "Lengths of texts", HEIGHT, chart);
  }

  private String label(int source) {
    return source + 1 + ": " + corpus.sources().get(source).name();
  }

  /** How often each token id occurs, in the order of their frequency. */
  private Drawn ranks() {
    VocabularyUse use = corpus.vocabulary();
    XYChart chart = chart("How often tokens occur", "Rank among the " + Units.count(use.size()) + " tokens",
        "Occurrences in " + Units.brief(use.tokens()) + " tokens");
    int[] ranks = IntStream.rangeClosed(0, RANKS)
        .map(i -> (int) Math.round(Math.pow(use.counts().size(), (double) i / RANKS)))
        .distinct()
        .toArray();
    double[] x = IntStream.of(ranks).asDoubleStream().toArray();
    double[] y = IntStream.of(ranks).mapToDouble(rank -> use.counts().get(rank - 1)).toArray();
    colour(chart.addSeries("tokens", x, y), 0);
    ChartStyle.logX(chart.getStyler(), new LogRange(1, Math.max(10, use.size())));
    ChartStyle.logY(chart.getStyler(), LogRange.around(DoubleStream.of(y)));
    return new Drawn("vocabulary", "How often tokens occur", HEIGHT, chart);
  }

  /** How many token ids the first n tokens of the stream use. */
  private Drawn reach() {
    VocabularyUse use = corpus.vocabulary();
    XYChart chart = chart("Vocabulary used, by tokens of training", "Tokens of the training stream",
        "Vocabulary used (%)");
    double[] x = use.reach().stream().mapToDouble(Reach::tokens).toArray();
    double[] y = use.reach().stream().mapToDouble(reach -> 100.0 * reach.ids() / use.size()).toArray();
    colour(chart.addSeries("tokens", x, y), 0);
    ChartStyle.logX(chart.getStyler(), new LogRange(1, use.tokens()));
    chart.getStyler().setYAxisMin(0.0).setYAxisMax(105.0);
    return new Drawn("reach", "Vocabulary used, by tokens of training", HEIGHT, chart);
  }

  private static XYChart chart(String title, String x, String y) {
    XYChart chart = new XYChart(WIDTH, HEIGHT);
    chart.setTitle(title);
    chart.setXAxisTitle(x);
    chart.setYAxisTitle(y);
    style(chart.getStyler());
    chart.getStyler().setLegendVisible(false);
    return chart;
  }

  private static void style(AxesChartStyler style) {
    ChartStyle.apply(style);
    style.setChartTitlePadding(16);
    style.setXAxisTickMarkSpacingHint(160).setYAxisTickMarkSpacingHint(100);
  }

  private static void colour(XYSeries series, int number) {
    Color colour = ChartStyle.COLOURS.get(number % ChartStyle.COLOURS.size());
    series.setMarker(new None());
    series.setLineColor(colour).setLineStyle(ChartStyle.stroke(4, 1, 0));
    series.setFillColor(new Color(colour.getRed(), colour.getGreen(), colour.getBlue(), 70));
  }
}
