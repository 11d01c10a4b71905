package org.knowcap.experiments.run;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.experiments.study.Lists;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.Study;
import org.knowcap.experiments.study.StudyChecks;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.files.WholeFile;

/**
 * The output directory of one study: {@code study.yaml} (a copy of its file), {@code lists/} (copies of the directories
 * of lists, the files of texts and the checkpoint that it names) and {@code runs/}; {@link StudyReport} adds {@code
 * results.csv} and {@code report/}.
 */
public final class StudyFolder {
  private static final String LISTS = "lists";
  private static final String RUNS = "runs";

  private final Path path;
  private final Study study;
  /** Names of the folders of runs that were there when this was opened, by their hashes. */
  private final Map<String, List<String>> before;

  private StudyFolder(Path path, Study study) {
    this.path = path;
    this.study = study;
    before = before(path.resolve(RUNS)).stream().collect(Collectors.groupingBy(RunSpec::hash));
  }

  private static List<String> before(Path runs) {
    try {
      return folders(runs);
    } catch (IOException e) {
      // Each run says by itself that its folder cannot be read.
      return List.of();
    }
  }

  private static List<String> folders(Path runs) throws IOException {
    if (!Files.isDirectory(runs)) {
      return List.of();
    }
    try (Stream<Path> folders = Files.list(runs)) {
      return folders.map(folder -> folder.getFileName().toString()).sorted().toList();
    }
  }

  /** The copy of the study file in a study's directory. */
  public static Path specFile(Path path) {
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
    for (Lists lists : study.lists()) {
      switch (lists) {
        case Lists.Shipped _ -> {
        }
        case Lists.InDirectory own -> copyLists(own.directory(), copied(path, own.name()));
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
   * Opens the directory of a study, which is new or already belongs to the study, and updates the copy of the study
   * file.
   *
   * @throws UserException where a run of the study would fail for its input, or the directory belongs to another
   *     study or holds other files
   */
  public static StudyFolder create(Path path, Path studyFile) throws IOException {
    StudyFolder folder = preview(path, studyFile);
    folder.update(studyFile);
    return folder;
  }

  /** Makes the directory, and updates its copies of the study file and of what that names. */
  public void update(Path studyFile) throws IOException {
    if (!isOwn(path, studyFile)) {
      byte[] text = Files.readAllBytes(studyFile);
      Files.createDirectories(path);
      copyInputs(study, path);
      WholeFile.write(specFile(path), out -> out.write(text));
    }
  }

  /** Whether a study file is the copy in this directory, whose lists and files are the copies there. */
  private static boolean isOwn(Path path, Path studyFile) throws IOException {
    return exists(path) && Files.isSameFile(specFile(path), studyFile);
  }

  /**
   * What {@link #create} would open, with nothing written. A file that is the directory's own copy, which people may
   * edit, has its lists and files there.
   *
   * @throws UserException as that does
   */
  public static StudyFolder preview(Path path, Path studyFile) throws IOException {
    Study read = Files.exists(studyFile) && isOwn(path, studyFile) ? copy(path) : StudyReader.read(studyFile);
    Study study = StudyChecks.check(studyFile, read);
    if (exists(path)) {
      requireOwner(path, StudyReader.name(specFile(path)), study.name());
    } else {
      requireEmpty(path);
    }
    return new StudyFolder(path, study);
  }

  private static void requireEmpty(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      try (var files = Files.list(path)) {
        // A process killed while it wrote leaves a file it had set aside: that is nobody's.
        if (files.map(file -> file.getFileName().toString())
            .anyMatch(
                file -> !file.startsWith(".tmp-") && !file.equals(LISTS) && !file.equals(FolderLock.FILE))) {
          throw UserException
              .usage(path + " is not empty and holds no study; give another directory with --out");
        }
      }
    } else if (Files.exists(path)) {
      throw UserException.usage(path + " is a file; give a directory with --out");
    }
  }

  /**
   * Takes the directory of a study for a command that adds runs to the study as it goes: two of them would undo each other's study
   * file. Makes the directory where there is none.
   *
   * @param command as its user calls it
   * @throws UserException where another process has it, or the directory holds other files
   */
  public static FolderLock take(Path path, String command) throws IOException {
    if (!exists(path)) {
      requireEmpty(path);
    }
    return FolderLock.take(path)
        .orElseThrow(() -> UserException.failure("another '" + command + "' is at work in " + path
            + "; repeat the command when it has ended, or give another directory with --out"));
  }

  /**
   * Refuses the directory of another study.
   *
   * @param owner name of the study in the directory
   * @param name of the study that is meant
   * @throws UserException where they differ
   */
  public static void requireOwner(Path path, String owner, String name) {
    if (!owner.equals(name)) {
      throw UserException.usage(path + " belongs to study '" + owner + "', not to '" + name
          + "'; give another directory with --out");
    }
  }

  /** Whether a directory holds a study. */
  public static boolean exists(Path path) {
    return Files.exists(specFile(path));
  }

  /**
   * Opens a directory that {@link #create} made.
   *
   * @throws UserException where it holds no study
   */
  public static StudyFolder open(Path path) {
    if (!exists(path)) {
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
    Path runs = folder.resolveSibling("");
    Path study = runs.resolveSibling("");
    if (!Files.isDirectory(folder) || !runs.endsWith(RUNS) || !Files.exists(specFile(study))) {
      throw UserException.usage(run + " is not the folder of a run; give a folder in a study's runs/");
    }
    return open(study);
  }

  /**
   * The run that a folder of this study belongs to.
   *
   * @throws UserException where the study has none of that name
   */
  public RunSpec run(String name) {
    return study.runs()
        .stream()
        .filter(run -> run.isNamed(name))
        .findFirst()
        .orElseThrow(() -> UserException.usage("study " + study.name() + " in " + path + " has no run " + name
            + "; its file has been changed since"));
  }

  /** The folder of the run of that name, also where it was made under a name that the run had before. */
  public RunFolder runFolder(String run) {
    List<String> known = before.getOrDefault(RunSpec.hash(run), List.of());
    String folder = known.contains(run)
        ? run
        : known.stream().filter(each -> RunSpec.sameRun(each, run)).findFirst().orElse(run);
    return new RunFolder(path.resolve(RUNS).resolve(folder));
  }

  /**
   * State of every run of the grid, in its order. All cores take part, because names are hashes of settings and
   * states are files.
   */
  public List<RunStatus> states() {
    return study.runs().parallelStream().map(this::status).toList();
  }

  private RunStatus status(RunSpec spec) {
    String name = spec.name();
    RunState state = runFolder(name).state();
    return new RunStatus(name, spec,
        state instanceof RunState.Done(MeasuredRun run) ? new RunState.Done(run.of(spec, name)) : state);
  }

  /**
   * The reports of runs.
   *
   * @param metrics of each run that has reported, in the grid's order
   * @param problems what is wrong with files that cannot be read, a sentence each
   */
  public record Reported(Map<String, List<Metric>> metrics, List<String> problems) {}

  /** The reports of all runs; a damaged file does not hide those of other runs. */
  public Reported metrics() {
    record OfRun(String run, List<Metric> metrics, Optional<String> problem) {}
    Map<String, List<Metric>> reported = new LinkedHashMap<>();
    List<String> problems = new ArrayList<>();
    study.runs().parallelStream().map(run -> {
      String name = run.name();
      try {
        return new OfRun(name, runFolder(name).readMetrics(), Optional.empty());
      } catch (UserException e) {
        return new OfRun(name, List.of(), Optional.of(e.getMessage()));
      } catch (IOException e) {
        return new OfRun(name, List.of(),
            Optional.of(runFolder(name).path() + " cannot be used (" + UserException.describe(e) + ")"));
      }
    }).toList().forEach(of -> {
      if (!of.metrics.isEmpty()) {
        reported.put(of.run, of.metrics);
      }
      of.problem.ifPresent(problems::add);
    });
    return new Reported(reported, List.copyOf(problems));
  }

  /**
   * Names of all folders with a result, those of earlier versions of the study file included, in alphabetical order.
   */
  List<String> foldersWithResult() throws IOException {
    Path runs = path.resolve(RUNS);
    return folders(runs).stream()
        .filter(folder -> Files.exists(runs.resolve(folder).resolve("result.json")))
        .toList();
  }
}
