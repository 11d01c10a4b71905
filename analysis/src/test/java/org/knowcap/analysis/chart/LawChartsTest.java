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
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.ZipfLearner;
import org.knowcap.analysis.law.CapacityLaw;
import org.knowcap.analysis.law.Cells;
import org.knowcap.analysis.law.Estimate;
import org.knowcap.analysis.law.ExposureLaw;
import org.knowcap.analysis.law.LossFit;
import org.knowcap.analysis.law.LossPoint;
import org.knowcap.analysis.law.PublishedCapacity;
import org.knowcap.analysis.law.SkillsLaw;
import org.knowcap.analysis.results.FrequencyRow;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.testing.TestSeed;
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

  private static List<LossPoint> losses(int sizes, int amounts) {
    Random random = new Random(TestSeed.value());
    List<LossPoint> points = new ArrayList<>();
    for (int i = 0; i < sizes; i++) {
      for (int k = 0; k < amounts; k++) {
        double parameters = 1e6 * Math.pow(4, i);
        double tokens = 1e8 * Math.pow(3, k);
        points.add(new LossPoint(parameters, tokens,
            (1.8 + 400 * Math.pow(parameters, -0.35) + 2000 * Math.pow(tokens, -0.37))
                * Math.exp(0.01 * random.nextGaussian()),
            i + " " + k));
      }
    }
    return points;
  }

  private static List<String> legend(XYChart chart) {
    return chart.getSeriesCollection()
        .stream()
        .filter(XYSeries::isShowInLegend)
        .map(XYSeries::getName)
        .toList();
  }

  private static List<XYSeries> bands(XYChart chart) {
    return chart.getSeriesCollection()
        .stream()
        .filter(each -> each.getXYSeriesRenderStyle().equals(Optional.of(XYSeriesRenderStyle.PolygonArea)))
        .toList();
  }

  @Test
  void lossesHaveALineForEachSizeInsideItsInterval() {
    List<LossPoint> points = losses(3, 5);
    LossFit fit = LossFit.of(points, 100);
    XYChart chart = LossChart.of(points, fit).getFirst().chart();
    assertEquals(List.of("P = 1M parameters", "P = 4M parameters", "P = 16M parameters"), legend(chart));
    assertEquals(3, bands(chart).size());
    double[] band = bands(chart).get(1).getYData();
    Estimate middle = fit.at(4e6, 9e8);
    assertEquals(middle.low().getAsDouble(), band[12], 1e-9);
    assertEquals(middle.high().getAsDouble(), band[49 - 12], 1e-9);
    assertTrue(chart.getSeriesCollection()
        .stream()
        .anyMatch(each -> each.getYData().length == 25
            && Math.abs(each.getYData()[12] - fit.law().at(4e6, 9e8)) < 1e-9));
    assertEquals(5, legend(LossChart.of(points, fit).getLast().chart()).size());
  }

  /** Of many sizes each mark stands for several, and says so. */
  @Test
  void manySizesAreJoined() {
    List<LossPoint> points = losses(11, 3);
    XYChart chart = LossChart.of(points, LossFit.of(points, 100)).getFirst().chart();
    assertEquals(6, legend(chart).size());
    assertTrue(legend(chart).stream().allMatch(name -> name.startsWith("P near ")), legend(chart).toString());
    assertEquals(33, legend(chart).stream().mapToInt(name -> named(chart, name).getXData().length).sum());
  }

  private static List<SkillsLaw> skills() {
    List<FrequencyRow> rows = new ArrayList<>();
    for (long exposures : new long[]{5, 10, 20, 40, 60, 1000, 2000}) {
      for (long seed = 1; seed <= 3; seed++) {
        rows.addAll(ZipfLearner.run(1.5, exposures, seed, 4.5 + 0.25 * seed + 0.1 * (exposures % 3)));
      }
    }
    return SkillsLaw.of(rows);
  }

  @Test
  void skillsHaveTheDerivedSlopeAndHollowPointsThatAreNotUsed() {
    List<SkillsChart> charts = SkillsChart.of(skills());
    double[] slopes = {1 / 1.5, -0.5 / 1.5};
    for (int i = 0; i < slopes.length; i++) {
      XYChart chart = charts.get(i).chart();
      double slope = slopes[i];
      assertEquals(1, chart.getSeriesCollection().stream().filter(each -> {
        double[] x = each.getXData();
        double[] y = each.getYData();
        return x.length == 2 && x[1] > x[0] && LawPlot.GUIDE.equals(each.getLineColor())
            && Math.abs(Math.log(y[1] / y[0]) / Math.log(x[1] / x[0]) - slope) < 1e-9;
      }).count());
      assertEquals(List.of("gpt2-2-2"), legend(chart));
      assertEquals(5, named(chart, "gpt2-2-2").getXData().length);
      assertEquals(2,
          chart.getSeriesCollection()
              .stream()
              .filter(each -> each.getMarker() instanceof Hollow)
              .mapToInt(each -> each.getXData().length)
              .sum());
      assertEquals(1, bands(chart).size());
    }
  }

  @Test
  void filesAreWholePicturesWithoutFonts() throws Exception {
    List<LossPoint> losses = losses(4, 4);
    List<Chart> charts = new ArrayList<>(List.of(CapacityLawChart.of(laws(), Optional.empty()),
        ResidualChart.of(laws()), ExposureChart.of(ExposureLaw.of(Cells.of(runs())))));
    charts.addAll(LossChart.of(losses, LossFit.of(losses, 100)));
    charts.addAll(SkillsChart.of(skills()));
    assertEquals(charts.size(), charts.stream().map(Chart::file).distinct().count());
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
