package org.knowcap.analysis.chart;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.knowcap.analysis.results.RunResult;

/** A chart of a study's results: a report shows it, and has its files beside the page. */
public interface Chart {
  /** Every kind of chart, in the order of a report. A new one is a class and a line here. */
  List<Function<List<RunResult>, Optional<? extends Chart>>> ALL = List.of(CapacityLawChart::shows,
      CapacityChart::shows, ArchitectureChart::shows);

  /** Every chart that shows something of these results. */
  static List<Chart> of(List<RunResult> results) {
    return ALL.stream().flatMap(kind -> kind.apply(results).stream()).map(Chart.class::cast).toList();
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
