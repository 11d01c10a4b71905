package org.knowcap.experiments.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.ResultsException;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import org.knowcap.experiments.study.Cautions;

/**
 * Results of studies and of tables that were written before.
 *
 * @param studies read, in their order
 * @param tables read, in their order
 * @param results of all, each run once
 * @param notes what readers must know about them
 */
record ResultsSources(List<StudyReport> studies, List<Path> tables, ResultsTable results,
    List<String> notes) {
  /**
   * Reads directories of studies and CSV files.
   *
   * @throws UserException where one is neither, or two have a run with different figures
   */
  static ResultsSources read(List<Path> sources) throws IOException {
    List<StudyReport> studies = new ArrayList<>();
    List<Path> tables = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    List<QuantisedResult> rows = new ArrayList<>();
    for (Path source : sources) {
      if (Files.isRegularFile(source)) {
        tables.add(source);
        ResultsTable table = table(source);
        rows.addAll(table.rows());
        notes.addAll(Cautions.ofTable(table.results()));
      } else if (Files.notExists(source)) {
        throw UserException.usage(source + ": no such file or directory");
      } else {
        StudyReport report = StudyReport.of(StudyFolder.open(source));
        studies.add(report);
        rows.addAll(report.results().rows());
        notes.addAll(report.missingRows());
        notes.addAll(report.cautions());
      }
    }
    ResultsTable results = ResultsTable.ofRows(distinct(rows, notes));
    return new ResultsSources(studies, tables, results, notes.stream().distinct().toList());
  }

  /**
   * The finished runs of all sources, each once, without quantised models.
   *
   * @param note takes what the user should know
   */
  static List<RunResult> runs(List<Path> sources, Consumer<String> note) throws IOException {
    ResultsSources read = read(sources);
    read.notes.forEach(note);
    read.studies.stream()
        .filter(study -> study.results().results().isEmpty())
        .forEach(study -> note.accept(study.path() + ": no run has a result"));
    return read.results.results();
  }

  private static ResultsTable table(Path file) throws IOException {
    try {
      return ResultsTable.readCsv(file);
    } catch (ResultsException e) {
      throw UserException.usage(e.getMessage());
    }
  }

  /** Rows of several sources, each run once. */
  private static List<QuantisedResult> distinct(List<QuantisedResult> rows, List<String> notes) {
    Map<List<String>, QuantisedResult> byName = new LinkedHashMap<>();
    int repeated = 0;
    for (QuantisedResult row : rows) {
      QuantisedResult before = byName.putIfAbsent(List.of(row.run().run(), row.quantisation()), row);
      if (before != null && !before.equals(row)) {
        throw UserException.usage(
            "run " + row.run().run() + " is in two sources with different figures; give the one that counts");
      }
      repeated += before == null ? 0 : 1;
    }
    if (repeated > 0) {
      notes.add(repeated == 1
          ? "1 row is in several sources with the same figures; it counts once"
          : repeated + " rows are in several sources with the same figures; each counts once");
    }
    return List.copyOf(byName.values());
  }
}
