package org.knowcap.analysis.chart;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.knowcap.analysis.units.Units;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.AxesChartStyler.TextAlignment;
import org.knowm.xchart.style.Styler.LegendPosition;

/**
 * The style of all charts. They are drawn at twice the size at which they are shown, because XChart puts ticks on
 * whole pixels.
 */
final class ChartStyle {
  static final Color INK = new Color(0x222222);
  /**
   * Okabe and Ito's palette: its colours can be told apart with any kind of colour vision, and are dark enough on
   * white.
   */
  static final List<Color> COLOURS = List.of(new Color(0x0072B2), new Color(0xD55E00), new Color(0x009E73),
      new Color(0xC266A0), new Color(0xB58900), new Color(0x56B4E9), new Color(0x444444),
      new Color(0x6A4FA3));

  private ChartStyle() {}

  static void apply(AxesChartStyler style) {
    style.setPlotMargin(0).setPlotContentSize(1);
    style.setChartBackgroundColor(Color.WHITE)
        .setPlotBackgroundColor(Color.WHITE)
        .setPlotBorderVisible(false);
    style.setPlotGridLinesColor(new Color(0xEDEDED)).setPlotGridLinesStroke(new BasicStroke(2));
    style.setAxisTickMarksColor(new Color(0x9A9A9A)).setAxisTickMarksStroke(new BasicStroke(2));
    style.setAxisTickMarkLength(10).setAxisTickPadding(10).setAxisTitlePadding(24);
    style.setChartFontColor(INK);
    style.setAxisTickLabelsColor(INK);
    style.setChartTitleFont(font(Font.BOLD, 36)).setLegendFont(font(Font.PLAIN, 26));
    style.setAxisTitleFont(font(Font.PLAIN, 30)).setAxisTickLabelsFont(font(Font.PLAIN, 26));
    style.setAnnotationTextFont(font(Font.PLAIN, 22)).setAnnotationTextFontColor(INK);
    style.setYAxisLabelAlignment(TextAlignment.Right);
    style.setLegendPosition(LegendPosition.OutsideE).setLegendBorderColor(Color.WHITE);
    style.setChartPadding(12).setLegendPadding(16).setLegendSeriesLineLength(30);
  }

  static void logX(AxesChartStyler style, LogRange range) {
    style.setXAxisLogarithmic(true).setXAxisLogarithmicDecadeOnly(false);
    style.setXAxisMin(range.low()).setXAxisMax(range.high());
    style.setXAxisTickLabelsFormattingFunction(labels(range));
  }

  static void logY(AxesChartStyler style, LogRange range) {
    style.setYAxisLogarithmic(true).setYAxisLogarithmicDecadeOnly(false);
    style.setYAxisMin(range.low()).setYAxisMax(range.high());
    style.setYAxisTickLabelsFormattingFunction(labels(range));
  }

  /** An axis of bits: its ticks have their unit. */
  static void logBits(AxesChartStyler style, LogRange range) {
    logY(style, range);
    Function<Double, String> ticks = style.getYAxisTickLabelsFormattingFunction();
    style.setYAxisTickLabelsFormattingFunction(
        tick -> ticks.apply(tick).replaceFirst("(\\d)([kMGT]?)$", "$1 $2bit"));
  }

  private static Function<Double, String> labels(LogRange range) {
    Set<Integer> digits = range.labelledDigits();
    return tick -> LogRange.labelled(tick, digits) ? Units.brief(tick) : "";
  }

  static Font font(int weight, int size) {
    return new Font(Font.SANS_SERIF, weight, size);
  }

  static BasicStroke stroke(float width, float... dash) {
    return new BasicStroke(width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10, dash, 0);
  }
}
