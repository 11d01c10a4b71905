package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.FileContents.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.FileSizeLimit;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.ResultRows;
import org.knowcap.experiments.UserException;
import org.knowcap.files.Folders;

/**
 * Commands whose files do not fit: one line with the file and what to do, nothing half-written, and with room the same command
 * ends as if nothing had been. A limit of files' sizes stands in for the full disk.
 */
@Tag("process")
class FullDiskTest {
  /** Twelve steps: its metrics are smaller than its result, and that than its checkpoint. */
  private static final String STUDY = """
      name: full
      corpus:
        kind: bioS
        people: 6
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: {name: gpt2-1-1, head_width: 8, rotary_fraction: 0.5}
      exposures: 2
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 1}
      """;

  @TempDir
  private static Path directory;

  private static Path spec;
  private static Path sound;

  @BeforeAll
  static void train() throws Exception {
    Assumptions.assumeTrue(FileSizeLimit.available(), "this system limits no sizes of files");
    spec = Files.writeString(directory.resolve("study.yaml"), STUDY);
    sound = directory.resolve("sound");
    InProcess.train(spec, sound);
  }

  private static Path run(Path study) throws IOException {
    try (Stream<Path> runs = Files.list(study.resolve("runs"))) {
      return runs.findFirst().orElseThrow();
    }
  }

  private static Outcome limited(long bytes, List<Object> command) {
    try (FileSizeLimit _ = new FileSizeLimit(bytes)) {
      return InProcess.run(command.toArray());
    }
  }

  @Test
  void eachCommandNamesTheFileAndLeavesNothingHalfWritten() throws IOException {
    Path run = run(sound);
    Path hugging = directory.resolve("hf");
    InProcess.succeeds("export", run, hugging, "--to", "huggingface");
    Path out = directory.resolve("out");
    // Unpacks what Parquet brings along for the processor into the system's own folder.
    InProcess.succeeds("measure", run, "--people", out.resolve("people.parquet"));
    Folders.delete(out);
    for (List<Object> command : List.of(List.<Object>of("results", sound), List.<Object>of("report", sound),
        List.<Object>of("curves", sound), List.<Object>of("report", sound, "--out", out),
        List.<Object>of("quantise", run, "--method", "rtn", "--bits", 4),
        List.<Object>of("export", run, out, "--to", "huggingface"),
        List.<Object>of("export", run, out, "--to", "samediff"),
        List.<Object>of("measure", run, "--people", out.resolve("people.parquet")),
        List.<Object>of("import", hugging, "--out", out), List.<Object>of("run", spec, "--out", out),
        List.<Object>of("generate", spec, "--describe", "--out", out),
        List.<Object>of("generate", spec, "--measured", "--out", out),
        List.<Object>of("generate", spec, "--out", out, "--format", "jsonl,parquet", "--truth", "parquet"))) {
      Map<String, byte[]> before = files(directory);
      Outcome ended = limited(0, command);
      requireOneLine(ended, command.toString());
      Map<String, byte[]> after = files(directory);
      before.forEach((name, bytes) -> assertArrayEquals(bytes, after.get(name), command + ": " + name));
      after.keySet().removeAll(before.keySet());
      // An export of a corpus notes where it is, and a study's folder has the locks of its runs.
      after.keySet().removeIf(name -> name.endsWith("unfinished.jsonl") || name.endsWith("lock"));
      assertEquals(Set.of(), after.keySet(), command.toString());
      if (!command.getFirst().equals("run")) {
        InProcess.succeeds(command.toArray());
      }
      Folders.delete(out);
    }
  }

  /** Each size is too small for another of a run's files. */
  @Test
  void aStudyGoesOnWhereThereIsRoom() throws IOException {
    Path study = directory.resolve("study");
    List<Object> command = List.of("run", spec, "--out", study);
    stopsAt(study, 100, "study.yaml");
    stopsAt(study, 1000, "run.json");
    stopsAt(study, 2000, "metrics.jsonl");
    stopsAt(study, 5000, "checkpoint.safetensors");
    // The limit is a worker process's too.
    try (FileSizeLimit _ = new FileSizeLimit(5000)) {
      requireStopped(study, "checkpoint.safetensors", InProcess.runWithWorkers("run", spec, "--out", study));
    }
    assertTrue(InProcess.succeeds("status", study).out().contains("checkpoint.safetensors: File too large"));
    InProcess.succeeds(command.toArray());
    assertEquals(ResultRows.withoutTimes(sound), ResultRows.withoutTimes(study));
    Files.delete(run(study).resolve("result.json"));
    stopsAt(study, 5000, "result.json");
    InProcess.succeeds(command.toArray());
    assertEquals(ResultRows.withoutTimes(sound), ResultRows.withoutTimes(study));
    Files.delete(study.resolve("results.csv"));
    stopsAt(study, 1000, "results.csv");
    stopsAt(study, 20_000, "report/capacity.svg");
  }

  private static void stopsAt(Path study, long bytes, String file) throws IOException {
    requireStopped(study, file, limited(bytes, List.of("run", spec, "--out", study)));
  }

  private static void requireStopped(Path study, String file, Outcome ended) throws IOException {
    assertEquals(UserException.FAILURE, ended.exitCode(), file + ": " + ended);
    String said = ended.out() + ended.err();
    assertTrue(said.contains(file + ": File too large; let files be larger"), file + ": " + ended);
    assertFalse(said.contains("\tat ") || said.contains("java."), file + ": " + ended);
    requireNothingAside(study);
  }

  private static void requireOneLine(Outcome ended, String what) throws IOException {
    assertEquals(UserException.FAILURE, ended.exitCode(), what + ": " + ended);
    List<String> said = ended.err().lines().filter(line -> !line.startsWith("note: ")).toList();
    assertEquals(1, said.size(), what + ": " + ended.err());
    assertTrue(
        said.getFirst().startsWith("knowcap: ")
            && said.getFirst().contains(": File too large; let files be larger (ulimit -f)"),
        what + ": " + said);
    assertTrue(said.getFirst().contains(directory.toString()), what + ": " + said);
    requireNothingAside(directory);
  }

  private static void requireNothingAside(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      assertEquals(List.of(),
          files.filter(file -> file.getFileName().toString().startsWith(".tmp")).toList());
    }
  }
}
