package org.knowcap.experiments.runner;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.knowcap.experiments.study.Json;
import org.knowcap.files.Folders;
import org.knowcap.generators.export.CorpusExport;
import org.knowcap.generators.export.Manifest;
import tools.jackson.core.JacksonException;

/** Has a Spark cluster write the files of a corpus: a task for each file. */
public final class SparkFiles implements CorpusExport.Writers {
  private final List<String> command;
  private final SparkRequest request;
  private final Consumer<String> notes;

  /**
   * @param command arguments of this program by which it writes files, whose names then follow, and prints
   *                {@link #line} for the last
   * @param notes hears lines for people
   */
  public SparkFiles(List<String> command, SparkRequest request, Consumer<String> notes) {
    this.command = List.copyOf(command);
    this.request = request;
    this.notes = notes;
  }

  /** What a task prints of the file that it has written. */
  public static String line(Manifest.Entry entry) {
    return Json.MAPPER.writeValueAsString(entry);
  }

  @Override
  public void write(Path directory, List<String> names, CorpusExport.Written written) throws IOException {
    // Spark's driver, which reads the table, runs here.
    Path folder = Files.createTempDirectory("knowcap-spark");
    Path table = Files.write(folder.resolve("files.tasks"), names);
    SparkJob job = new SparkJob("knowcap-generate", table,
        ChildProcess.command(command.toArray(String[]::new)), 1, false, request);
    List<String> failures = new ArrayList<>();
    try {
      job.run(folder.resolve("spark.log"), (task, exitCode, said) -> {
        if (exitCode == 0) {
          written.file(names.get(task), entry(said));
        } else {
          failures.add(names.get(task) + " (exit code " + exitCode + ")");
        }
      }, notes);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
    if (!failures.isEmpty()) {
      throw new IOException(failures.size() + " files could not be written on Spark, first "
          + failures.getFirst() + "; the executors' stderr says why");
    }
    Folders.delete(folder);
  }

  private static Manifest.Entry entry(String said) throws IOException {
    try {
      return Json.MAPPER.readValue(said, Manifest.Entry.class);
    } catch (JacksonException e) {
      throw new IOException("a task printed what is no entry of a file: " + said, e);
    }
  }
}
