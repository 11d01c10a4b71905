package org.knowcap.analysis.chart;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.Circle;

class LimitMarkerTest {
  private static final int SIZE = 100;

  /** The colours on the way from a marker's middle to its edge: at the middle, a quarter and 0.42 of its size. */
  private static List<Color> colours(XYSeries series) {
    BufferedImage image = new BufferedImage(2 * SIZE, 2 * SIZE, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.RED);
    series.getMarker().paint(graphics, SIZE, SIZE, SIZE);
    assertEquals(Color.RED, graphics.getColor(), "the next marker is drawn in the series' colour");
    graphics.dispose();
    return Stream.of(0.0, 0.25, 0.42)
        .map(part -> new Color(image.getRGB(SIZE + (int) (part * SIZE), SIZE)))
        .toList();
  }

  @Test
  void aMarkerShowsWhatLimitsItsRuns() {
    List<RunResult> runs = Stream.of(Limit.values())
        .map(limit -> Results.limited(Results.run(200, 400, 1000L << limit.ordinal(), 1, 400, 7000), limit))
        .toList();
    XYChart chart = new XYChartBuilder().width(400).height(300).build();
    LimitMarker.addRuns(chart, "runs", runs, RunResult::storedBits, new Circle(), Color.RED);
    Map<Limit, List<Color>> found = new EnumMap<>(Limit.class);
    for (Limit limit : Limit.values()) {
      // The series of full markers comes first, under the name alone.
      XYSeries series = chart.getSeries(limit == Limit.MODEL ? "runs" : "runs, " + limit);
      assertEquals(1000L << limit.ordinal(), series.getXData()[0], limit.toString());
      found.put(limit, colours(series));
    }
    assertEquals(Map.of(Limit.MODEL, List.of(Color.RED, Color.RED, Color.RED), Limit.UNDECIDED,
        List.of(Color.RED, Color.RED, Color.RED), Limit.LEARNING, List.of(Color.WHITE, Color.RED, Color.RED),
        Limit.CORPUS, List.of(Color.WHITE, Color.WHITE, Color.RED)), found);
  }
}
