package org.knowcap.experiments.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.knowcap.analysis.files.WholeFile;
import org.knowcap.analysis.report.FailedRun;
import org.knowcap.analysis.report.Provenance;
import org.knowcap.analysis.report.ReportPage;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.experiments.study.StudyReader;

/**
 * The output directory of one study: {@code study.yaml} (a copy of its file), {@code runs/}, {@code results.csv} and
 * {@code report/}.
 */
public final class StudyFolder {
  private final Path path;
  private final Study study;

  private StudyFolder(Path path, Study study) {
    this.path = path;
    this.study = study;
  }

  private static Path specFile(Path path) {
    return path.resolve("study.yaml");
  }

  /**
   * Opens the directory for a study, new or its own; the copy of the study file is brought up to date.
   *
   * @throws UserException where it belongs to another study or holds other files
   */
  public static StudyFolder create(Path path, Path studyFile) throws IOException {
    Study study = StudyReader.read(studyFile);
    if (Files.exists(specFile(path))) {
      String owner = StudyReader.read(specFile(path)).name();
      if (!owner.equals(study.name())) {
        throw UserException.usage(path + " belongs to study '" + owner + "', not to '" + study.name()
            + "'; give another directory with --out");
      }
    } else if (Files.isDirectory(path)) {
      try (var files = Files.list(path)) {
        // A process killed while it wrote leaves a file it had set aside: that is nobody's.
        if (files.anyMatch(file -> !file.getFileName().toString().startsWith(".tmp-"))) {
          throw UserException
              .usage(path + " is not empty and holds no study; give another directory with --out");
        }
      }
    } else if (Files.exists(path)) {
      throw UserException.usage(path + " is a file; give a directory with --out");
    }
    byte[] text = Files.readAllBytes(studyFile);
    Files.createDirectories(path);
    WholeFile.write(specFile(path), out -> out.write(text));
    return new StudyFolder(path, study);
  }

  /**
   * Opens a directory that {@link #create} made.
   *
   * @throws UserException where it holds no study
   */
  public static StudyFolder open(Path path) {
    if (!Files.exists(specFile(path))) {
      throw UserException.usage(path + " holds no study (no study.yaml in it); 'knowcap run' makes one");
    }
    return new StudyFolder(path, StudyReader.read(specFile(path)));
  }

  public Path path() {
    return path;
  }

  public Study study() {
    return study;
  }

  public RunFolder runFolder(RunSpec run) {
    return new RunFolder(path.resolve("runs").resolve(run.name()));
  }

  /** State of every run of the grid, in its order. */
  public Map<RunSpec, RunState> states() throws IOException {
    Map<RunSpec, RunState> states = new LinkedHashMap<>();
    for (RunSpec run : study.runs()) {
      states.put(run, runFolder(run).state());
    }
    return states;
  }

  /** What is measured so far, in the grid's order. */
  public ResultsTable results() throws IOException {
    return ResultsTable.of(measured().stream().map(MeasuredRun::result).toList());
  }

  private List<MeasuredRun> measured() throws IOException {
    return states().values().stream()
        .flatMap(state -> state instanceof RunState.Done(MeasuredRun run) ? Stream.of(run) : null)
        .toList();
  }

  /** Writes {@code results.csv}. */
  public Path writeResults() throws IOException {
    Path file = path.resolve("results.csv");
    results().writeCsv(file);
    return file;
  }

  /**
   * Writes {@code report/} from what is measured so far.
   *
   * @return its page
   * @throws UserException where nothing is measured yet
   */
  public Path writeReport() throws IOException {
    List<MeasuredRun> measured = measured();
    if (measured.isEmpty()) {
      throw UserException
          .failure(path + " has no finished run to report on; see 'knowcap status " + path + "'");
    }
    List<RunResult> results = measured.stream().map(MeasuredRun::result).toList();
    List<FailedRun> failures = new ArrayList<>();
    states().forEach((run, state) -> {
      if (state instanceof RunState.Failed(String reason)) {
        failures.add(new FailedRun(run.name(), reason));
      }
    });
    Path report = path.resolve("report");
    Files.createDirectories(report);
    new ReportPage(study.name(), results, failures, provenance(measured)).write(report);
    return report.resolve("index.html");
  }

  /** Entries that all runs share, and those that differ with all their values. */
  private Provenance provenance(List<MeasuredRun> measured) {
    Map<String, List<String>> values = new LinkedHashMap<>();
    for (MeasuredRun run : measured) {
      run.provenance().forEach((key, value) -> {
        List<String> seen = values.computeIfAbsent(key, k -> new ArrayList<>());
        if (!seen.contains(value)) {
          seen.add(value);
        }
      });
    }
    Map<String, String> entries = new LinkedHashMap<>();
    values.forEach((key, seen) -> entries.put(key, key.equals("finished")
        ? seen.stream().min(String::compareTo).orElseThrow() + " to "
            + seen.stream().max(String::compareTo).orElseThrow()
        : String.join(", ", seen)));
    entries.put("study",
        "study.yaml beside this report's folder; exact configuration of each run in runs/*/run.json");
    return new Provenance(entries);
  }
}
