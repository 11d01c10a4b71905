package org.knowcap.analysis.chart;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.knowcap.analysis.law.CapacityLaw;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.RunResult;

/** A chart of a study's results: a report shows it, and has its files beside the page. */
public interface Chart {
  /**
   * The charts that these results have something to show in, in the order of a report. A new kind is a class and a line here.
   *
   * @param rounded rows of weights of few bits, in training or after it
   * @param laws of these results, whose exponent has an interval
   */
  static List<Chart> of(List<RunResult> results, List<QuantisedResult> rounded, List<CapacityLaw> laws) {
    return Stream
        .<Optional<? extends Chart>>of(CapacityLawChart.shows(laws), CapacityChart.shows(results),
            WeightBitsChart.shows(rounded), ArchitectureChart.shows(results))
        .flatMap(Optional::stream)
        .map(Chart.class::cast)
        .toList();
  }

  /** This chart with the name of its study in it. */
  default Chart ofStudy(String study) {
    return this;
  }

  /** Name of its files, without an extension. */
  String file();

  /** What the chart shows, in whole sentences. */
  String caption();

  /** An SVG document that scales with its width; its letters are drawn, so it needs no fonts. */
  String svg();

  /**
   * Writes its SVG and PNG into a folder.
   *
   * @throws IOException if they cannot be written
   */
  void write(Path folder) throws IOException;
}
