package org.knowcap.experiments.run;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.analysis.chart.AlongChart;
import org.knowcap.analysis.chart.Chart;
import org.knowcap.analysis.report.FailedRun;
import org.knowcap.analysis.report.Provenance;
import org.knowcap.analysis.report.ReportPage;
import org.knowcap.analysis.results.FrequencyRow;
import org.knowcap.analysis.results.FrequencyTable;
import org.knowcap.analysis.results.PartRow;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.ResultsException;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.TrainingRow;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.MeasurementSettings;
import org.knowcap.generators.bits.KnowledgeKind;

/** The results of a study so far, read once; it writes the table {@code results.csv} and the page {@code report/}. */
public final class StudyReport {
  /** A finished run, with all results of quantising its model. */
  private record Finished(MeasuredRun run, RunFolder.Quantisations quantised) {
    Stream<QuantisedResult> rows() {
      String setting = run.result().setting().orElse("");
      return Stream.concat(Stream.of(run.row()),
          quantised.measured().stream().map(each -> each.result().named(run.result().run(), setting)));
    }

    Stream<Map<String, String>> provenance() {
      return Stream.concat(Stream.of(run.provenance()),
          quantised.measured().stream().map(MeasuredQuantisation::provenance));
    }
  }

  private final StudyFolder study;
  private final List<RunStatus> states;
  private final List<Finished> finished;
  private final ResultsTable results;

  private StudyReport(StudyFolder study, List<RunStatus> states, List<Finished> finished) {
    this.study = study;
    this.states = states;
    this.finished = finished;
    results = ResultsTable.ofRows(finished.stream().flatMap(Finished::rows).toList());
  }

  /**
   * Reads all runs.
   *
   * @throws UserException where a file is damaged
   */
  public static StudyReport of(StudyFolder study) throws IOException {
    List<RunStatus> states = study.states();
    List<MeasuredRun> measured = states.stream()
        .map(RunStatus::state)
        .filter(RunState.Done.class::isInstance)
        .map(state -> ((RunState.Done) state).run())
        .toList();
    return new StudyReport(study, states, Parallel.map(measured,
        run -> new Finished(run, study.runFolder(run.result().run()).quantisations())));
  }

  /** State of every run of the grid, in its order. */
  public List<RunStatus> states() {
    return states;
  }

  /** All results in the grid's order; the quantised models of a run come after it. */
  public ResultsTable results() {
    return results;
  }

  /**
   * Writes {@code results.csv}, {@code frequency.csv} where people had unequal exposures, {@code parts.csv} where more was measured than
   * the parts of a corpus, and {@code along.csv} where runs were measured along training; an existing table stays if nothing is measured, for example because the study file was changed.
   *
   * @return empty if the folder is read-only
   */
  public Optional<Path> writeResults() throws IOException {
    Path file = study.path().resolve("results.csv");
    if (finished.isEmpty() && Files.exists(file)) {
      return Optional.of(file);
    }
    try {
      results.writeCsv(file);
      if (!frequencies().isEmpty()) {
        FrequencyTable.writeCsv(study.path().resolve("frequency.csv"), frequencies());
      }
      if (!parts().isEmpty()) {
        PartRow.writeCsv(study.path().resolve("parts.csv"), parts());
      }
      List<TrainingRow> along = along();
      if (!along.isEmpty()) {
        TrainingRow.writeCsv(study.path().resolve("along.csv"), along);
      }
      return Optional.of(file);
    } catch (FileSystemException e) {
      if (RunFolder.isReadOnly(e)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** What runs have learnt of people by how often these were in training; of runs where that was unequal. */
  public List<FrequencyRow> frequencies() {
    return finished.stream()
        .map(Finished::run)
        .flatMap(run -> run.frequencies().stream().flatMap(each -> each.rows(run.result()).stream()))
        .toList();
  }

  /** All parts that were measured, of runs of which more was measured than the parts of their corpus. */
  public List<PartRow> parts() {
    return finished.stream()
        .map(Finished::run)
        .filter(run -> run.parts()
            .stream()
            .anyMatch(part -> Stream.of(KnowledgeKind.values())
                .noneMatch(kind -> kind.partName().equals(part.name()))))
        .flatMap(run -> run.parts()
            .stream()
            .map(part -> PartRow.of(run.result(), part, recalled(run, part.name()))))
        .toList();
  }

  private static OptionalDouble recalled(MeasuredRun run, String part) {
    return run.partRecall().containsKey(part)
        ? OptionalDouble.of(run.partRecall().get(part))
        : OptionalDouble.empty();
  }

  /** What runs that were measured along training held at each step. */
  public List<TrainingRow> along() throws IOException {
    List<TrainingRow> rows = new ArrayList<>();
    for (RunStatus status : states) {
      if (status.state() instanceof RunState.Done(MeasuredRun run)
          && status.spec().measurement().along() == MeasurementSettings.Along.LOG) {
        for (RunFolder.Metric metric : study.runFolder(status.name()).readMetrics()) {
          metric.measured()
              .ifPresent(point -> rows.add(
                  TrainingRow.of(run.result(), metric.step(), metric.learningRate(), metric.loss(), point)));
        }
      }
    }
    return rows;
  }

  /** What readers must know before they use the table's numbers; each sentence occurs once. */
  public List<String> cautions() {
    return finished.stream().flatMap(each -> each.run.cautions().stream()).distinct().toList();
  }

  /** What the table lacks, and why: a line for each run or quantised model that has a result but no row. */
  public List<String> missingRows() throws IOException {
    List<String> lines = new ArrayList<>();
    states.forEach(status -> {
      if (status.state() instanceof RunState.Damaged(String problem)) {
        lines.add(status.name() + " is left out: " + problem);
      }
    });
    finished.forEach(each -> each.quantised.problems()
        .forEach(problem -> lines
            .add("a quantised model of " + each.run.result().run() + " is left out: " + problem)));
    Set<String> names = states.stream()
        .map(status -> study.runFolder(status.name()).path().getFileName().toString())
        .collect(Collectors.toSet());
    study.foldersWithResult()
        .stream()
        .filter(name -> !names.contains(name))
        .forEach(name -> lines.add(name + " is left out: it is of an earlier version of the study file"));
    return lines;
  }

  /**
   * Writes {@code report/}.
   *
   * @return its page
   * @throws UserException where nothing is measured yet
   */
  public Path writePage() throws IOException {
    if (finished.isEmpty()) {
      throw UserException.failure(
          study.path() + " has no finished run to report on; see 'knowcap status " + study.path() + "'");
    }
    Path report = study.path().resolve("report");
    Files.createDirectories(report);
    try {
      new ReportPage(study.study().name(), results.results(), results.rounded(), failed(), cautions(),
          provenance(), AlongChart.shows(along()).stream().map(Chart.class::cast).toList()).write(report);
    } catch (ResultsException e) {
      throw UserException.failure(e.getMessage());
    }
    return page();
  }

  /** Name of the study. */
  public String name() {
    return study.study().name();
  }

  /** The study and its folder. */
  public StudyFolder study() {
    return study;
  }

  /** Directory of the study. */
  public Path path() {
    return study.path();
  }

  /** The runs that failed. */
  public List<FailedRun> failed() {
    List<FailedRun> failed = new ArrayList<>();
    states.forEach(status -> {
      if (status.state() instanceof RunState.Failed(String reason, _)) {
        failed.add(new FailedRun(status.name(), reason));
      }
    });
    return failed;
  }

  /** Path of the page, once it is written. */
  public Path page() {
    return study.path().resolve("report").resolve("index.html");
  }

  /** Entries that all runs and quantised models share, and those that differ with all their values. */
  public Provenance provenance() {
    Map<String, Set<String>> values = new LinkedHashMap<>();
    finished.stream()
        .flatMap(Finished::provenance)
        .forEach(source -> source
            .forEach((key, value) -> values.computeIfAbsent(key, _ -> new LinkedHashSet<>()).add(value)));
    Map<String, String> entries = new LinkedHashMap<>();
    values.forEach((key, seen) -> {
      List<String> sorted = new ArrayList<>(seen);
      sorted.sort(String::compareTo);
      entries.put(key,
          key.equals("finished") ? sorted.getFirst() + " to " + sorted.getLast() : String.join(", ", seen));
    });
    entries.put("study",
        "study.yaml beside this report's folder; exact configuration of each run in runs/*/run.json");
    return new Provenance(entries);
  }
}
