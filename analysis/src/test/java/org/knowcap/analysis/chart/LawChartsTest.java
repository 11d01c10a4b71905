package org.knowcap.analysis.chart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.law.CapacityLaw;
import org.knowcap.analysis.law.Cells;
import org.knowcap.analysis.law.ExposureLaw;
import org.knowcap.analysis.law.PublishedCapacity;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;

class LawChartsTest {
  @TempDir
  private Path folder;

  private static List<RunResult> runs() {
    List<RunResult> runs = new ArrayList<>();
    double[] ratios = {1.5, 1.9, 1.8, 2};
    for (int m = 0; m < ratios.length; m++) {
      for (long seed = 1; seed <= 3; seed++) {
        for (int c = 0; c < 3; c++) {
          long people = 500L << (m + c);
          runs.add(Results.run(people, 100L << c, "gpt2-2-" + (m + 1), 10_000L << m, seed,
              (ratios[m] - 0.2 * Math.abs(c - 1) + 0.02 * seed) * (10_000L << m), 100.0 * people));
          runs.add(Results.limited(
              Results.run(people, 1000, "gpt2-2-" + (m + 1), 10_000L << m, seed,
                  (ratios[m] - 0.2 * Math.abs(c - 1) + 0.02 * seed) * (10_000L << m), 100.0 * people),
              Limit.MODEL));
        }
      }
    }
    return runs;
  }

  private static XYSeries named(XYChart chart, String name) {
    return chart.getSeriesCollection()
        .stream()
        .filter(series -> series.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static List<CapacityLaw> laws() {
    return CapacityLaw.of(Cells.of(runs())).stream().filter(law -> law.exposures() == 1000).toList();
  }

  @Test
  void theLawHasItsBandItsErrorBarsAndTheLinesOfEqualRatio() {
    var series = CapacityLawChart.of(laws(), Optional.empty()).chart().getSeriesCollection();
    List<XYSeries> bands = series.stream()
        .filter(each -> each.getXYSeriesRenderStyle().equals(Optional.of(XYSeriesRenderStyle.PolygonArea)))
        .toList();
    assertEquals(1, bands.size());
    CapacityLaw law = laws().getFirst();
    // The middle of the band: at its ends it reaches beyond the axis.
    double least = bands.getFirst().getYData()[30];
    assertEquals(law.law().orElseThrow().at(Math.sqrt(10_000.0 * 80_000)).low().getAsDouble(), least,
        1e-6 * least);
    double[] bar = series.stream()
        .filter(each -> each.getXData().length == 2 && each.getXData()[0] == 20_000
            && each.getXData()[1] == 20_000)
        .findFirst()
        .orElseThrow()
        .getYData();
    assertEquals(law.peaks().get(1).cell().storedBits().high().getAsDouble(), bar[1], 1e-6);
    assertTrue(
        series.stream().filter(XYSeries::isShowInLegend).allMatch(each -> each.getName().equals("gpt2")));
  }

  /** A line that is no law has no band, and its peaks are hollow. */
  @Test
  void aLineThatIsNoLawIsNotDrawnAsOne() {
    List<RunResult> learning = runs().stream()
        .filter(run -> run.exposures() == 1000)
        .map(run -> Results.limited(run, Limit.LEARNING))
        .toList();
    List<XYSeries> series = List
        .copyOf(CapacityLawChart.of(CapacityLaw.of(Cells.of(learning)), Optional.empty())
            .chart()
            .getSeriesCollection());
    assertTrue(series.stream()
        .noneMatch(
            each -> each.getXYSeriesRenderStyle().equals(Optional.of(XYSeriesRenderStyle.PolygonArea))));
    assertTrue(series.stream()
        .filter(XYSeries::isShowInLegend)
        .allMatch(each -> each.getMarker() instanceof Hollow));
  }

  @Test
  void publishedPointsAreOnlyThereOnRequest() {
    assertEquals(196, named(CapacityLawChart.of(laws(), Optional.of(PublishedCapacity.read())).chart(),
        "published (arXiv 2404.05405)").getXData().length);
    assertFalse(CapacityLawChart.of(laws(), Optional.empty()).svg().contains("published"));
  }

  @Test
  void residualsAreInPerCent() {
    XYSeries points = named(ResidualChart.of(laws()).chart(), "gpt2, bioS, 1,000 exposures");
    List<Double> residuals = laws().getFirst().law().orElseThrow().residuals();
    assertEquals(100 * Math.expm1(residuals.get(1)), points.getYData()[1], 1e-9);
  }

  @Test
  void filesAreWholePicturesWithoutFonts() throws Exception {
    List<Chart> charts = List.of(CapacityLawChart.of(laws(), Optional.empty()), ResidualChart.of(laws()),
        ExposureChart.of(ExposureLaw.of(Cells.of(runs()))));
    for (Chart chart : charts) {
      chart.write(folder);
      String svg = Files.readString(folder.resolve(chart.file() + ".svg"));
      assertTrue(svg.contains("<title>") && svg.contains("<desc>"), chart.file());
      assertFalse(svg.contains("<text"), chart.file());
      BufferedImage png = ImageIO.read(folder.resolve(chart.file() + ".png").toFile());
      assertEquals(LawPlot.WIDTH, png.getWidth());
      assertTrue(Files.readString(folder.resolve(chart.file() + ".pdf"), StandardCharsets.ISO_8859_1)
          .startsWith("%PDF-"), chart.file());
    }
  }

  @Test
  void nothingIsNotDrawn() {
    assertThrows(IllegalArgumentException.class, () -> CapacityLawChart.of(List.of(), Optional.empty()));
    assertThrows(IllegalArgumentException.class, () -> ExposureChart.of(List.of()));
  }
}
