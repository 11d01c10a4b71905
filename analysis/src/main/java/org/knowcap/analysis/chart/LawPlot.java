package org.knowcap.analysis.chart;

import de.erichseifert.vectorgraphics2d.Processors;
import de.erichseifert.vectorgraphics2d.VectorGraphics2D;
import de.erichseifert.vectorgraphics2d.util.PageSize;
import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.knowcap.analysis.law.Estimate;
import org.knowcap.files.WholeFile;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.None;

/** What the charts of laws share: points with error bars, lines, bands, and their files. */
final class LawPlot {
  static final int WIDTH = 1800;
  static final int HEIGHT = 1100;
  static final Color GUIDE = new Color(0x7A7A7A);
  private static final int BAND_OPACITY = 48;

  private LawPlot() {}

  static XYChart blank(String title, String x, String y) {
    XYChart chart = new XYChart(WIDTH, HEIGHT);
    chart.setTitle(title);
    chart.setXAxisTitle(x);
    chart.setYAxisTitle(y);
    ChartStyle.apply(chart.getStyler());
    chart.getStyler().setChartTitlePadding(16).setMarkerSize(18);
    chart.getStyler().setYAxisTickMarkSpacingHint(100);
    return chart;
  }

  /** A line that the legend names only if it has a label. */
  static void line(XYChart chart, String label, double[] x, double[] y, Color colour, BasicStroke stroke) {
    XYSeries line = chart.addSeries(label.isEmpty() ? fresh(chart) : label, x, y);
    line.setMarker(new None());
    line.setLineColor(colour).setLineStyle(stroke).setShowInLegend(!label.isEmpty());
  }

  /** Points without a line between them. */
  static void points(XYChart chart, String label, double[] x, double[] y, Color colour, Marker marker) {
    XYSeries points = chart.addSeries(label.isEmpty() ? fresh(chart) : label, x, y);
    points.setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
    points.setMarker(marker);
    points.setMarkerColor(colour).setShowInLegend(!label.isEmpty());
  }

  /** The interval of a point, where it has one; an end that lies below the axis is cut off. */
  static void errorBar(XYChart chart, double x, Estimate y, double least, Color colour) {
    if (y.hasInterval()) {
      line(chart, "", new double[]{x, x},
          new double[]{Math.max(least, y.low().getAsDouble()), Math.max(least, y.high().getAsDouble())},
          colour, ChartStyle.stroke(3, 1, 0));
    }
  }

  /** The interval of a point on log axes, where it has one, as far as the axis reaches. */
  static void errorBar(XYChart chart, double x, Estimate y, LogRange axis, Color colour) {
    if (y.hasInterval()) {
      line(chart, "", new double[]{x, x},
          new double[]{axis.clamped(y.low().getAsDouble()), axis.clamped(y.high().getAsDouble())}, colour,
          ChartStyle.stroke(3, 1, 0));
    }
  }

  /** The area between two lines over the same x. */
  static void band(XYChart chart, double[] x, double[] low, double[] high, Color colour) {
    int n = x.length;
    double[] xs = new double[2 * n + 1];
    double[] ys = new double[2 * n + 1];
    for (int i = 0; i < n; i++) {
      xs[i] = x[i];
      ys[i] = low[i];
      xs[2 * n - 1 - i] = x[i];
      ys[2 * n - 1 - i] = high[i];
    }
    xs[2 * n] = xs[0];
    ys[2 * n] = ys[0];
    XYSeries band = chart.addSeries(fresh(chart), xs, ys);
    band.setXYSeriesRenderStyle(XYSeriesRenderStyle.PolygonArea);
    band.setMarker(new None());
    band.setFillColor(new Color(colour.getRed(), colour.getGreen(), colour.getBlue(), BAND_OPACITY));
    band.setLineColor(new Color(colour.getRed(), colour.getGreen(), colour.getBlue(), 0))
        .setLineStyle(ChartStyle.stroke(1, 1, 0))
        .setShowInLegend(false);
  }

  private static String fresh(XYChart chart) {
    return "unnamed " + chart.getSeriesCollection().size();
  }

  static String svg(XYChart chart, String file, String title, String description) {
    try {
      String svg = new String(ChartEncoder.getBytes(chart, "svg"), StandardCharsets.UTF_8);
      return SvgDocument.finished(file, svg, WIDTH, HEIGHT, title, description);
    } catch (IOException e) {
      throw new UncheckedIOException("the chart could not be drawn in memory", e);
    }
  }

  static void write(Path folder, Chart chart, XYChart drawn) throws IOException {
    String svg = chart.svg();
    WholeFile.write(folder.resolve(chart.file() + ".svg"),
        out -> out.write(svg.getBytes(StandardCharsets.UTF_8)));
    WholeFile.write(folder.resolve(chart.file() + ".png"), out -> ChartEncoder.saveChart(drawn, out, "png"));
    // XChart's own PDF needs PDFBox.
    VectorGraphics2D graphics = new VectorGraphics2D();
    drawn.paint(graphics, WIDTH, HEIGHT);
    WholeFile.write(folder.resolve(chart.file() + ".pdf"),
        out -> Processors.get("pdf")
            .getDocument(graphics.getCommands(), new PageSize(0, 0, WIDTH, HEIGHT))
            .writeTo(out));
  }
}
