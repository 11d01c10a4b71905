package org.knowcap.experiments.runner;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.files.WholeFile;

/**
 * The runs of each task of one job, in the study's folder {@code launch/}: line k of {@code NAME.tasks} names the runs of
 * task k - 1. A run's name ends in the hash of its settings, so that a study file that has changed since leads no task to
 * another run. The file is written before the scheduler is asked, and the job bears the table's name: what is queued can be
 * told even if this process was killed before it heard the job's id.
 *
 * @param folder {@code launch/}
 * @param name of the table and of the job
 * @param tasks names of the runs of each task
 */
record TaskTable(Path folder, String name, List<List<String>> tasks) {
  private static final String FOLDER = "launch";
  private static final String TASKS = ".tasks";

  TaskTable {
    tasks = List.copyOf(tasks);
  }

  /** {@code launch/} of a study. */
  static Path folder(StudyFolder study) {
    return study.path().resolve(FOLDER);
  }

  /** Writes a table of a new name. */
  static TaskTable write(StudyFolder study, List<List<String>> tasks) throws IOException {
    // What Slurm and Kubernetes both take as a name.
    String readable = study.study().name().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "-");
    String name = "knowcap-" + readable.substring(0, Math.min(30, readable.length())) + "-"
        + UUID.randomUUID().toString().substring(0, 8);
    TaskTable table = new TaskTable(folder(study), name, tasks);
    table.write(TASKS, String.join("\n", tasks.stream().map(runs -> String.join(" ", runs)).toList()) + "\n");
    return table;
  }

  /** All tables of a study, those with the highest job ids last. */
  static List<TaskTable> all(StudyFolder study) throws IOException {
    Path folder = folder(study);
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<TaskTable> tables = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(each -> each.toString().endsWith(TASKS)).toList()) {
        String name = file.getFileName().toString();
        tables.add(new TaskTable(folder, name.substring(0, name.length() - TASKS.length()),
            Files.readAllLines(file).stream().map(line -> List.of(line.split(" "))).toList()));
      }
    }
    tables.sort(Comparator.comparing(table -> table.job().orElse(Long.MAX_VALUE)));
    return tables;
  }

  /** Path of one of its files, relative to the study's folder. */
  String file(String ending) {
    return FOLDER + "/" + name + ending;
  }

  /** Path of the table, relative to the study's folder. */
  String tasksFile() {
    return file(TASKS);
  }

  /** Writes a file beside it, of its name and an ending. */
  Path write(String ending, String content) throws IOException {
    Path file = folder.resolve(name + ending);
    WholeFile.write(file, out -> out.write(content.getBytes(StandardCharsets.UTF_8)));
    return file;
  }

  /** Remembers the job's id. */
  void writeJob(long id) throws IOException {
    write(".job", id + "\n");
  }

  /** The job's id; empty where nothing was submitted, or a kill came between. */
  Optional<Long> job() {
    try {
      return Optional.of(Long.parseLong(Files.readString(folder.resolve(name + ".job")).strip()));
    } catch (IOException | NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** Forgets it, as the scheduler refused it. */
  void delete() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(each -> each.getFileName().toString().startsWith(name)).toList()) {
        Files.delete(file);
      }
    }
  }
}
