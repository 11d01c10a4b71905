package org.knowcap.analysis.chart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;

class WeightBitsChartTest {
  private static final RunResult EXACT = Results.run("exact", 200, 400, 1000, 1, 4000, 7000);
  private static final RunResult TRAINED = Results.run("trained", 200, 400, 1000, 1, 1700, 7000);
  private static final RunResult AFTER = Results.run("exact/ternary", 200, 400, 1000, 1, 170, 7000);
  private static final List<QuantisedResult> ROWS = List.of(QuantisedResult.unquantised(EXACT),
      new QuantisedResult(AFTER, "ternary", 2, 0, 1.7, 3400, 0.05),
      new QuantisedResult(TRAINED, "ternary", 2, 0, 1.7, 3400, 0.5));

  private static XYSeries series(XYChart chart, String name) {
    return chart.getSeriesCollection()
        .stream()
        .filter(each -> each.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void trainedAndRoundedModelsOfAMethodHaveOneColourAndTwoMarks() {
    XYChart chart = WeightBitsChart.shows(ROWS).orElseThrow().chart();
    XYSeries trained = series(chart, "gpt2, trained with ternary");
    XYSeries after = series(chart, "gpt2, ternary after training");
    assertArrayEquals(new double[]{1.7}, trained.getXData());
    assertArrayEquals(new double[]{0.5}, trained.getYData());
    assertArrayEquals(new double[]{0.05}, after.getYData());
    assertEquals(trained.getMarkerColor(), after.getMarkerColor());
    assertTrue(after.getMarker() instanceof Hollow && !(trained.getMarker() instanceof Hollow));
    assertArrayEquals(new double[]{32}, series(chart, "gpt2, exact weights").getXData());
    assertTrue(WeightBitsChart.shows(ROWS.subList(0, 1)).isEmpty(), "nothing to compare");
  }

  /** A run that was trained with rounded weights is a run; a model that was rounded after training is not. */
  @Test
  void aTrainedRowIsARunOfTheTable() {
    ResultsTable table = ResultsTable.ofRows(ROWS);
    assertEquals(List.of(EXACT, TRAINED), table.results());
    assertEquals(List.of(ROWS.get(1)), table.quantised());
    assertEquals(ROWS.subList(1, 3), table.rounded());
    assertEquals("trained", ROWS.get(2).trainedRun());
    assertTrue(ResultsTable.ofRows(ROWS.subList(2, 3)).table().containsColumn("bits_per_weight"));
  }
}
