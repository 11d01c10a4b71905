package org.knowcap.experiments.run;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.knowcap.analysis.report.FailedRun;
import org.knowcap.analysis.report.Provenance;
import org.knowcap.analysis.report.ReportPage;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.ResultsException;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.CorpusSpec;
import org.knowcap.experiments.study.Lists;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.experiments.study.StudyChecks;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.files.WholeFile;

/**
 * The output directory of one study: {@code study.yaml} (a copy of its file), {@code lists/} (copies of the directories
 * of lists, the files of texts and the checkpoint that it names), {@code runs/}, {@code results.csv} and {@code report/}.
 */
public final class StudyFolder {
  private static final String LISTS = "lists";
  private static final String RUNS = "runs";

  private final Path path;
  private final Study study;

  private StudyFolder(Path path, Study study) {
    this.path = path;
    this.study = study;
  }

  private static Path specFile(Path path) {
    return path.resolve("study.yaml");
  }

  /** Where the copy of a directory of lists or a file is, by its name in the study. */
  private static Path copied(Path path, String name) {
    // The name has a letter in front: a directory's may be "..", which an encoded name still is.
    return path.resolve(LISTS).resolve("d" + URLEncoder.encode(name, StandardCharsets.UTF_8));
  }

  /** Reads the copy of the study file. */
  private static Study copy(Path path) {
    return StudyReader.read(specFile(path), name -> copied(path, name));
  }

  private static void copyInputs(Study study, Path path) throws IOException {
    for (CorpusSpec corpus : study.corpora()) {
      for (Lists lists : corpus.lists()) {
        switch (lists) {
          case Lists.Shipped _ -> {
          }
          case Lists.InDirectory(String name, Path from, _, _) -> copyLists(from, copied(path, name));
        }
      }
    }
    for (Map.Entry<String, Path> file : study.files().entrySet()) {
      Path to = copied(path, file.getKey());
      if (Files.notExists(to) || Files.mismatch(file.getValue(), to) >= 0) {
        WholeFile.write(to, out -> Files.copy(file.getValue(), out));
      }
    }
  }

  private static void copyLists(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    for (Path old : textFiles(to)) {
      if (Files.notExists(from.resolve(old.getFileName()))) {
        Files.delete(old);
      }
    }
    for (Path list : textFiles(from)) {
      WholeFile.write(to.resolve(list.getFileName()), out -> Files.copy(list, out));
    }
  }

  private static List<Path> textFiles(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(".txt")).toList();
    }
  }

  /**
   * Opens the directory for a study, new or its own; the copy of the study file is brought up to date.
   *
   * @throws UserException where a run of the study would fail for its input, or the directory belongs to another study or
   *     holds other files
   */
  public static StudyFolder create(Path path, Path studyFile) throws IOException {
    Study study = StudyChecks.check(studyFile, StudyReader.read(studyFile));
    if (Files.exists(specFile(path))) {
      String owner = copy(path).name();
      if (!owner.equals(study.name())) {
        throw UserException.usage(path + " belongs to study '" + owner + "', not to '" + study.name()
            + "'; give another directory with --out");
      }
    } else if (Files.isDirectory(path)) {
      try (var files = Files.list(path)) {
        // A process killed while it wrote leaves a file it had set aside: that is nobody's.
        if (files.map(file -> file.getFileName().toString())
            .anyMatch(file -> !file.startsWith(".tmp-") && !file.equals(LISTS))) {
          throw UserException
              .usage(path + " is not empty and holds no study; give another directory with --out");
        }
      }
    } else if (Files.exists(path)) {
      throw UserException.usage(path + " is a file; give a directory with --out");
    }
    byte[] text = Files.readAllBytes(studyFile);
    Files.createDirectories(path);
    copyInputs(study, path);
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
    return new StudyFolder(path, copy(path));
  }

  public Path path() {
    return path;
  }

  public Study study() {
    return study;
  }

  /** Copies the study file and what it names to another directory, so that it can be opened there; no runs. */
  public void copyStudy(Path to) throws IOException {
    Files.createDirectories(to);
    Files.copy(specFile(path), specFile(to));
    Path lists = path.resolve(LISTS);
    if (Files.isDirectory(lists)) {
      try (Stream<Path> files = Files.walk(lists)) {
        for (Path file : files.toList()) {
          Files.copy(file, to.resolve(path.relativize(file).toString()));
        }
      }
    }
  }

  public RunFolder runFolder(RunSpec run) {
    return runFolder(run.name());
  }

  /**
   * The study that a run's folder belongs to.
   *
   * @throws UserException where the folder is none
   */
  public static StudyFolder ofRun(Path run) {
    Path folder = run.toAbsolutePath().normalize();
    Path runs = Optional.ofNullable(folder.getParent()).orElse(folder);
    if (!Files.isDirectory(folder) || !runs.endsWith(RUNS)
        || !Files.exists(specFile(runs.resolveSibling(".")))) {
      throw UserException.usage(run + " is no run's folder; give one of those in a study's runs/");
    }
    return open(runs.getParent());
  }

  /**
   * The run that a folder of this study is of.
   *
   * @throws UserException where the study has none of that name
   */
  public RunSpec run(String name) {
    return study.runs()
        .stream()
        .filter(run -> run.name().equals(name))
        .findFirst()
        .orElseThrow(() -> UserException.usage("study " + study.name() + " in " + path + " has no run " + name
            + "; its file has been changed since"));
  }

  /** The folder of the run of that name. */
  public RunFolder runFolder(String run) {
    return new RunFolder(path.resolve(RUNS).resolve(run));
  }

  /** State of every run of the grid, in its order. */
  public Map<RunSpec, RunState> states() throws IOException {
    Map<RunSpec, RunState> states = new LinkedHashMap<>();
    for (RunSpec run : study.runs()) {
      states.put(run, runFolder(run).state());
    }
    return states;
  }

  /** What is measured so far, in the grid's order; after each run its model in the ways in which it was quantised. */
  public ResultsTable results() throws IOException {
    List<QuantisedResult> rows = new ArrayList<>();
    for (MeasuredRun run : measured(states())) {
      rows.add(QuantisedResult.unquantised(run.result()));
      quantisations(run).forEach(quantised -> rows.add(quantised.result()));
    }
    return ResultsTable.ofRows(rows);
  }

  private List<MeasuredQuantisation> quantisations(MeasuredRun run) throws IOException {
    return runFolder(run.result().run()).quantisations();
  }

  private static List<MeasuredRun> measured(Map<RunSpec, RunState> states) {
    return states.values()
        .stream()
        .flatMap(state -> state instanceof RunState.Done(MeasuredRun run) ? Stream.of(run) : null)
        .toList();
  }

  /**
   * Writes {@code results.csv}; a table that is there stays where nothing is measured, as when the study file was changed
   * since.
   *
   * @return empty where the folder is for reading only
   */
  public Optional<Path> writeResults() throws IOException {
    Path file = path.resolve("results.csv");
    ResultsTable results = results();
    if (results.rows().isEmpty() && Files.exists(file)) {
      return Optional.of(file);
    }
    try {
      results.writeCsv(file);
      return Optional.of(file);
    } catch (FileSystemException e) {
      if (RunFolder.isReadOnly(e)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** What the table lacks, and why: a line for each run that has a result and no row. */
  public List<String> missingRows() throws IOException {
    List<String> lines = new ArrayList<>();
    Set<String> names = new HashSet<>();
    states().forEach((run, state) -> {
      names.add(run.name());
      if (state instanceof RunState.Damaged(String problem)) {
        lines.add(run.name() + " is left out: " + problem);
      }
    });
    Path runs = path.resolve(RUNS);
    if (Files.isDirectory(runs)) {
      try (Stream<Path> folders = Files.list(runs)) {
        folders.map(Path::getFileName)
            .map(Path::toString)
            .filter(name -> !names.contains(name) && Files.exists(runs.resolve(name).resolve("result.json")))
            .sorted()
            .forEach(name -> lines.add(name + " is left out: it is of an earlier version of the study file"));
      }
    }
    return lines;
  }

  /**
   * Writes {@code report/} from what is measured so far.
   *
   * @return its page
   * @throws UserException where nothing is measured yet
   */
  public Path writeReport() throws IOException {
    Map<RunSpec, RunState> states = states();
    List<MeasuredRun> measured = measured(states);
    if (measured.isEmpty()) {
      throw UserException
          .failure(path + " has no finished run to report on; see 'knowcap status " + path + "'");
    }
    List<FailedRun> failures = new ArrayList<>();
    states.forEach((run, state) -> {
      if (state instanceof RunState.Failed(String reason)) {
        failures.add(new FailedRun(run.name(), reason));
      }
    });
    Path report = path.resolve("report");
    Files.createDirectories(report);
    ResultsTable results = results();
    try {
      new ReportPage(study.name(), results.results(), results.quantised(), failures, provenance(measured))
          .write(report);
    } catch (ResultsException e) {
      throw UserException.failure(e.getMessage());
    }
    return report.resolve("index.html");
  }

  /** Entries that all runs and quantised models share, and those that differ with all their values. */
  private Provenance provenance(List<MeasuredRun> measured) throws IOException {
    List<Map<String, String>> sources = new ArrayList<>();
    for (MeasuredRun run : measured) {
      sources.add(run.provenance());
      quantisations(run).forEach(quantised -> sources.add(quantised.provenance()));
    }
    Map<String, List<String>> values = new LinkedHashMap<>();
    for (Map<String, String> source : sources) {
      source.forEach((key, value) -> {
        List<String> seen = values.computeIfAbsent(key, k -> new ArrayList<>());
        if (!seen.contains(value)) {
          seen.add(value);
        }
      });
    }
    Map<String, String> entries = new LinkedHashMap<>();
    values.forEach((key, seen) -> entries.put(key,
        key.equals("finished")
            ? seen.stream().min(String::compareTo).orElseThrow() + " to "
                + seen.stream().max(String::compareTo).orElseThrow()
            : String.join(", ", seen)));
    entries.put("study",
        "study.yaml beside this report's folder; exact configuration of each run in runs/*/run.json");
    return new Provenance(entries);
  }
}
