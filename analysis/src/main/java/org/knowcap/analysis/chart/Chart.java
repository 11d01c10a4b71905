package org.knowcap.analysis.chart;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.knowcap.analysis.results.RunResult;

/** A chart of a study's results, as a report shows it and as files beside it. */
public interface Chart {
  /** Every kind of chart, in the order of a report. A new one is a class and a line here. */
  List<Function<List<RunResult>, Optional<? extends Chart>>> ALL = List.of(CapacityLawChart::shows,
      CapacityChart::shows, ArchitectureChart::shows);

  /** The charts that these results have something to show in. */
  static List<Chart> of(List<RunResult> results) {
    return ALL.stream().flatMap(kind -> kind.apply(results).stream()).map(Chart.class::cast).toList();
  }

  /** The chart as one of a study, whose name it then shows. */
  default Chart ofStudy(String study) {
    return this;
  }

  /** Name of its files, without an extension. */
  String file();

  /** What is seen in it: whole sentences. */
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
