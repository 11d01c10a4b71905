package org.knowcap.analysis.chart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.results.RunResult;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;

class ArchitectureChartTest {
  @Test
  void anArchitectureIsTheNameWithoutTheSize() {
    assertEquals(
        List.of("gpt2", "gpt2-quarter", "gpt2-moe32", "llama-tied", "mistral-k1-silu", "odd"), List
            .of("gpt2-2-4-w16", "gpt2-quarter-2-4", "gpt2-moe32-4-4", "llama-12-8-tied",
                "mistral-2-2-w8-k1-silu", "odd")
            .stream()
            .map(ArchitectureChart::architecture)
            .toList());
  }

  @Test
  void eachModelIsShownWhereItIsFull() {
    List<RunResult> results = List.of(
        // Two corpora: the larger fills the model.
        Results.run(200, 400, "gpt2-2-1", 1000, 1, 900, 1000),
        Results.run(200, 400, "gpt2-2-1", 1000, 2, 950, 1000),
        Results.run(400, 400, "gpt2-2-1", 1000, 1, 1400, 2000),
        Results.run(400, 400, "gpt2-2-1", 1000, 2, 1600, 2000),
        Results.run(200, 400, "gpt2-2-2", 3000, 1, 990, 1000),
        Results.run(200, 400, "llama-2-1", 1100, 1, 880, 1000),
        // Fewer exposures are left out.
        Results.run(200, 100, "llama-2-1", 1100, 1, 1, 1000),
        // The larger corpus is the limit of one that stores nearly all of it: the smaller one tells more.
        Results.run(400, 400, "gpt2-2-3", 4000, 1, 1990, 2000),
        Results.run(200, 400, "gpt2-2-3", 4000, 1, 800, 1000));
    XYChart chart = ArchitectureChart.of(results).chart();
    assertArrayEquals(new double[]{1.4, 1.6, 0.2}, chart.getSeries("gpt2").getYData(), 1e-9);
    assertArrayEquals(new double[]{1000, 3000, 4000}, chart.getSeries("means, gpt2").getXData());
    assertArrayEquals(new double[]{1.5, 0.33, 0.2}, chart.getSeries("means, gpt2").getYData(), 1e-9);
    assertArrayEquals(new double[]{0.33}, chart.getSeries("gpt2, corpus").getYData(), 1e-9);
    assertArrayEquals(new double[]{0.8}, chart.getSeries("llama").getYData(), 1e-9);
    assertTrue(ArchitectureChart.compares(results));
    assertFalse(ArchitectureChart.compares(results.subList(0, 5)));
    // The chart of the law has a line for each architecture.
    List<String> lines = CapacityChart.of(results)
        .chart()
        .getSeriesCollection()
        .stream()
        .map(XYSeries::getName)
        .filter(name -> name.startsWith("means"))
        .toList();
    assertTrue(lines.stream().anyMatch(name -> name.contains("gpt2")), lines.toString());
    assertTrue(lines.stream().anyMatch(name -> name.contains("llama")), lines.toString());
    assertTrue(ArchitectureChart.of(results).svg().contains("gpt2: 1,000 parameters, 1.50;"));
  }
}
