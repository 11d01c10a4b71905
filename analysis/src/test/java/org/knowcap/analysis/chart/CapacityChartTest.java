package org.knowcap.analysis.chart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.chart.PlotLabels.Guide;
import org.knowcap.analysis.results.RunResult;
import org.knowm.xchart.XYChart;
import org.w3c.dom.Element;

class CapacityChartTest {
  /** Two corpora, three sizes, two seeds; one run that stored nothing. */
  private static final List<RunResult> RESULTS = List.of(Results.run(200, 400, 20_000, 1, 3000, 7000),
      Results.run(200, 400, 20_000, 2, 5000, 7000), Results.run(200, 400, 200_000, 1, 6900, 7000),
      Results.run(200, 400, 70_000, 1, 6500, 7000), Results.run(800, 400, 20_000, 1, -50, 26_000),
      Results.run(800, 400, 70_000, 1, 9000, 26_000));

  @TempDir
  Path folder;

  @Test
  void pointsAreRunsAndLinesJoinMeansOverSeeds() {
    XYChart chart = CapacityChart.of(RESULTS).chart();
    assertArrayEquals(new double[]{3000, 5000, 6500}, chart.getSeries("N = 200").getYData());
    // Of 7,000 bits 6,900 are over 98 %: the corpus is the limit.
    assertArrayEquals(new double[]{6900}, chart.getSeries("N = 200, corpus").getYData());
    assertEquals(List.of(true, false),
        Stream.of("N = 200", "N = 200, corpus").map(name -> chart.getSeries(name).isShowInLegend()).toList());
    assertTrue(CapacityChart.of(RESULTS).svg().contains("</svg>"));
    assertArrayEquals(new double[]{20_000, 70_000, 200_000}, chart.getSeries("means, N = 200").getXData());
    assertArrayEquals(new double[]{4000, 6500, 6900}, chart.getSeries("means, N = 200").getYData());
    // The run below zero is no point, and the mean at its size is no part of the line.
    assertArrayEquals(new double[]{70_000}, chart.getSeries("N = 800").getXData());
    assertArrayEquals(new double[]{70_000}, chart.getSeries("means, N = 800").getXData());
  }

  @Test
  void exposureCountsAreSeriesOfTheirOwn() {
    XYChart chart = CapacityChart.of(List.of(Results.run(50_000, 100, 816_000, 1, 9.15e5, 2.9618e6),
        Results.run(50_000, 1000, 816_000, 1, 1.4e6, 2.9618e6))).chart();
    assertArrayEquals(new double[]{9.15e5}, chart.getSeries("N = 50k, 100 exposures").getYData());
    assertArrayEquals(new double[]{1.4e6}, chart.getSeries("N = 50k, 1,000 exposures").getYData());
  }

  /** Of two runs: Student's t with one degree of freedom is 12.706. */
  @Test
  void barsAreIntervalsOverSeeds() {
    CapacityChart capacity = CapacityChart.of(List.of(Results.run(200, 400, 20_000, 1, 4950, 7000),
        Results.run(200, 400, 20_000, 2, 5050, 7000), Results.run(200, 400, 70_000, 1, 6500, 7000)));
    XYChart chart = capacity.chart();
    // The standard error of 4950 and 5050 is 50.
    assertArrayEquals(new double[]{5000 - 12.706 * 50, 5000 + 12.706 * 50},
        chart.getSeries("interval, N = 200, 20000").getYData(), 0.1);
    assertTrue(chart.getSeriesCollection().stream().noneMatch(series -> series.getName().endsWith(", 70000")),
        "one run has no interval");
  }

  @Test
  void architecturesAreToldApart() {
    XYChart chart = CapacityChart.of(List.of(Results.run(200, 400, "gpt2-2-1", 20_000, 1, 3000, 7000),
        Results.run(200, 400, "llama-2-1", 20_000, 1, 4000, 7000))).chart();
    assertNotEquals(chart.getSeries("gpt2").getMarkerColor(), chart.getSeries("llama").getMarkerColor());
    assertNotEquals(chart.getSeries("means, gpt2").getLineColor(),
        chart.getSeries("means, llama").getLineColor());
    assertArrayEquals(new double[]{4000}, chart.getSeries("means, llama").getYData());
  }

  @Test
  void guidesLieWhereTheySay() {
    CapacityChart chart = CapacityChart.of(RESULTS);
    List<Guide> ceilings = chart.ceilings();
    assertEquals(List.of("all 7.00 kbit", "all 26.0 kbit"), ceilings.stream().map(Guide::name).toList());
    assertEquals(7000, ceilings.getFirst().line().y0());
    assertEquals(7000, ceilings.getFirst().line().y1());

    // The best run stores 0.25 bits per parameter, so the lines go down to 0.2.
    List<Guide> ratios = chart.ratioLines();
    assertEquals(List.of("2 bits/param", "1 bit/param", "0.5 bits/param", "0.2 bits/param"),
        ratios.stream().map(Guide::name).toList());
    double[] expected = {2, 1, 0.5, 0.2};
    for (int i = 0; i < expected.length; i++) {
      PlotLabels.Segment line = ratios.get(i).line();
      assertEquals(expected[i], line.y0() / line.x0(), 1e-9);
      assertEquals(expected[i], line.y1() / line.x1(), 1e-9);
      assertTrue(line.x1() >= 1.9 * line.x0(), "long enough to carry its name: " + line);
    }
  }

  @Test
  void ratiosReachDownToTheBestRunAndNoFurther() {
    assertEquals(List.of(2.0, 1.0, 0.5), CapacityChart.ratios(1.9));
    assertEquals(List.of(2.0, 1.0, 0.5, 0.2, 0.1), CapacityChart.ratios(0.15));
    assertEquals(List.of(2.0, 1.0, 0.5), CapacityChart.ratios(-0.1));
    assertEquals(0.005, CapacityChart.ratios(1e-6).getLast());
  }

  @Test
  void filesAreValidAndOfTheirSize() throws Exception {
    CapacityChart.of(RESULTS).write(folder);

    BufferedImage png = ImageIO.read(folder.resolve("capacity.png").toFile());
    assertEquals(CapacityChart.WIDTH, png.getWidth());
    assertEquals(CapacityChart.HEIGHT, png.getHeight());
    assertTrue(colours(png) > 50, "something is drawn");

    String svg = Files.readString(folder.resolve("capacity.svg"));
    Element root = DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)))
        .getDocumentElement();
    assertEquals("svg", root.getTagName());
    assertEquals("0 0 1800 1200", root.getAttribute("viewBox"));
    assertTrue(root.getElementsByTagName("path").getLength() > 50, "something is drawn");
    String description = root.getElementsByTagName("desc").item(0).getTextContent();
    assertTrue(description.contains("2 bits/param, 1 bit/param, 0.5 bits/param"), description);
    assertEquals(svg, CapacityChart.of(RESULTS).svg(), "the same results make the same chart");
  }

  @Test
  void everyShapeOfDataCanBeDrawn() throws IOException {
    List<List<RunResult>> shapes = List.of(RESULTS.subList(0, 1), RESULTS.subList(4, 5),
        List.of(Results.run(1, 1, 1, 1, 1e-9, 1)),
        List.of(Results.run(10_000_000, 1000, 500_000_000, 1, 1e12, 5e12)));
    for (List<RunResult> shape : shapes) {
      CapacityChart.of(shape).write(folder);
      assertTrue(Files.size(folder.resolve("capacity.png")) > 0);
    }
    assertThrows(IllegalArgumentException.class, () -> CapacityChart.of(List.of()));
  }

  private static long colours(BufferedImage image) {
    return java.util.Arrays
        .stream(image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth()))
        .distinct()
        .count();
  }
}
