package org.knowcap.experiments.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.knowcap.analysis.results.ResultsException;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;

/** Measured runs from directories of studies and tables of results, as several commands take them. */
final class ResultsSources {
  private ResultsSources() {}

  /**
   * The finished runs of all sources, each once; models that were quantised are passed over.
   *
   * @param note takes what the user should know
   * @throws UserException where a source is missing, is no table, or two have a run with different figures
   */
  static List<RunResult> runs(List<Path> sources, Consumer<String> note) throws IOException {
    Map<String, RunResult> runs = new LinkedHashMap<>();
    int repeated = 0;
    for (Path source : sources) {
      for (RunResult run : runs(source, note)) {
        RunResult before = runs.putIfAbsent(run.run(), run);
        if (before != null && !before.equals(run)) {
          throw UserException.usage(
              "run " + run.run() + " is in two sources with different figures; give the one that counts");
        }
        repeated += before == null ? 0 : 1;
      }
    }
    if (repeated > 0) {
      note.accept(repeated + " rows are in several sources with the same figures; each counts once");
    }
    return List.copyOf(runs.values());
  }

  private static List<RunResult> runs(Path source, Consumer<String> note) throws IOException {
    if (Files.isRegularFile(source)) {
      try {
        return ResultsTable.readCsv(source).results();
      } catch (ResultsException e) {
        throw UserException.usage(e.getMessage());
      }
    }
    if (Files.notExists(source)) {
      throw UserException.usage(source + ": no such file or directory");
    }
    StudyReport report = StudyReport.of(StudyFolder.open(source));
    report.missingRows().forEach(note);
    report.cautions().forEach(note);
    List<RunResult> runs = new ArrayList<>(report.results().results());
    if (runs.isEmpty()) {
      note.accept(source + ": no run has a result");
    }
    return runs;
  }
}
