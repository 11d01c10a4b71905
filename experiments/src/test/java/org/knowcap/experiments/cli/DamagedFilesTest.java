package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.files.Folders;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.testing.TestSeed;

/**
 * Every file of a study in turn is damaged in every way that disks and people have, and every command that reads it is run:
 * it ends by the book, without a trace, and no figure of another run changes.
 */
@Tag("process")
class DamagedFilesTest {
  private static final String STUDY = """
      name: damaged
      corpus:
        kind: bioS
        people: [6, 12]
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: {name: gpt2-1-1, head_width: 8, rotary_fraction: 0.5}
      exposures: 12
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 1}
      """;

  @TempDir
  private static Path directory;

  private static Path sound;
  private static Map<String, String> rows;

  /** Something that happens to a file, whose bytes it gets; others may have its place. */
  private interface Damage {
    void strike(Path file, byte[] bytes, RandomGenerator random) throws IOException;
  }

  private static final String UNREADABLE = "unreadable";

  private static final Map<String, Damage> DAMAGES = new TreeMap<>(
      Map.of(UNREADABLE, (file, bytes, random) -> Files.setPosixFilePermissions(file, Set.of()), "missing",
          (file, bytes, random) -> Files.delete(file), "empty",
          (file, bytes, random) -> Files.write(file, new byte[0]), "cut",
          (file, bytes, random) -> Files.write(file, Arrays.copyOf(bytes, random.nextInt(bytes.length + 1))),
          "flipped", (file, bytes, random) -> {
            byte[] flipped = bytes.clone();
            for (int i = 0; i < 2 && flipped.length > 0; i++) {
              flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(file, flipped);
          }, "not UTF-8", (file, bytes, random) -> Files.write(file, new byte[]{(byte) 0xc3, 0x28, '\n'}),
          "null", (file, bytes, random) -> Files.writeString(file, "null\n"), "nested",
          (file, bytes, random) -> Files.writeString(file, "[".repeat(5000) + "\n"), "a folder",
          (file, bytes, random) -> {
            Files.delete(file);
            Files.createDirectory(file);
          }, "of another run", (file, bytes, random) -> {
            Path study = directory.resolve("study");
            if (file.startsWith(study.resolve("runs"))) {
              Path run = study.relativize(file).getName(1);
              try (Stream<Path> runs = Files.list(study.resolve("runs"))) {
                for (Path other : runs.filter(one -> !one.endsWith(run)).toList()) {
                  Path same = other.resolve(study.resolve("runs").resolve(run).relativize(file).toString());
                  Files.write(file, Files.readAllBytes(same));
                }
              }
            }
          }));

  @BeforeAll
  static void train() throws Exception {
    Path spec = Files.writeString(directory.resolve("study.yaml"), STUDY);
    Path unreadable = Files.createFile(directory.resolve("unreadable"),
        PosixFilePermissions.asFileAttribute(Set.of()));
    if (Files.isReadable(unreadable)) {
      System.out.println("DamagedFilesTest: this user may read everything, so no file is made unreadable");
      DAMAGES.remove(UNREADABLE);
    }
    sound = directory.resolve("sound");
    InProcess.train(spec, sound);
    List<Object> quantise = new ArrayList<>(List.of("quantise"));
    try (Stream<Path> runs = Files.list(sound.resolve("runs"))) {
      runs.forEach(quantise::add);
    }
    quantise.addAll(List.of("--method", "rtn", "--bits", "8,4"));
    InProcess.succeeds(quantise.toArray());
    InProcess.succeeds("results", sound);
    rows = rows(sound);
    assertEquals(6, rows.size());
  }

  /** Rows of results.csv by run. */
  private static Map<String, String> rows(Path study) throws IOException {
    Map<String, String> rows = new TreeMap<>();
    Files.readAllLines(study.resolve("results.csv"))
        .stream()
        .skip(1)
        .forEach(line -> rows.put(line.substring(0, line.indexOf(',')), line));
    return rows;
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    }
  }

  private static List<Path> targets(Path study) throws IOException {
    List<Path> targets = new ArrayList<>(List.of(Path.of("study.yaml"), Path.of("results.csv")));
    try (Stream<Path> runs = Files.list(study.resolve("runs"))) {
      Path run = runs.sorted().findFirst().orElseThrow();
      try (Stream<Path> files = Files.walk(run)) {
        files.filter(Files::isRegularFile).sorted().map(study::relativize).forEach(targets::add);
      }
    }
    return targets;
  }

  @Test
  void whateverFileIsDamagedTheRestIsShownAsItWas() throws Exception {
    long seed = TestSeed.value();
    System.out.println("DamagedFilesTest seed " + seed);
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    int tried = 0;
    for (Path target : targets(sound)) {
      for (Map.Entry<String, Damage> damage : DAMAGES.entrySet()) {
        Path study = directory.resolve("study");
        copy(sound, study);
        Path file = study.resolve(target);
        damage.getValue().strike(file, Files.readAllBytes(file), random);
        String what = target + ", " + damage.getKey() + ", seed " + seed;
        // A report takes a second, and reads what the table reads.
        for (String command : random.nextInt(8) == 0
            ? List.of("status", "results", "curves", "report")
            : List.of("status", "results", "curves")) {
          Outcome ended = InProcess.run(command, study);
          requireByTheBook(ended, what + ": " + command);
          tried++;
        }
        if (target.startsWith("runs") && Files.exists(study.resolve("results.csv"))) {
          String run = target.getName(1).toString();
          boolean quantised = target.getNameCount() > 3;
          String struck = quantised ? run + "/" + target.getName(3) : run;
          rows(study).forEach((name, row) -> assertEquals(rows.get(name), row, what));
          assertTrue(rows(study).keySet()
              .containsAll(rows.keySet()
                  .stream()
                  .filter(name -> !name.equals(struck) && (quantised || !name.startsWith(struck + "/")))
                  .toList()),
              what + ": a sound row is gone");
        }
        Folders.delete(study);
      }
    }
    System.out.println("DamagedFilesTest: " + tried + " commands");
  }

  /** What works on a run's folder, and what may be written there. */
  private static List<List<Object>> computing(Path study, Path run, Path elsewhere) {
    return List.of(List.of("measure", run), List.of("measure", run, "--json"),
        List.of("export", run, elsewhere.resolve("hf"), "--to", "huggingface"),
        List.of("export", run, elsewhere.resolve("graph"), "--to", "samediff"),
        List.of("quantise", run, "--method", "rtn", "--bits", 4),
        List.of("run", directory.resolve("study.yaml"), "--out", study), List.of("worker", study),
        List.of("probe", run, "--people", 6, "--steps", 2),
        List.of("run", directory.resolve("study.yaml"), "--out", study, "--again", run.getFileName()));
  }

  /** Some of them, drawn anew in each build; the tag 'slow' has all. */
  @Test
  void someCommandsThatComputeGoByTheBook() throws Exception {
    computeOnDamaged(12);
  }

  @Test
  @Tag("slow")
  void everyCommandThatComputesGoesByTheBook() throws Exception {
    computeOnDamaged(Integer.MAX_VALUE);
  }

  private record Case(Path target, String damage, int command) {}

  private void computeOnDamaged(int most) throws Exception {
    long seed = TestSeed.value();
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    List<Case> cases = new ArrayList<>();
    for (Path target : targets(sound)) {
      for (String damage : DAMAGES.keySet()) {
        for (int command = 0; command < computing(sound, sound, sound).size(); command++) {
          cases.add(new Case(target, damage, command));
        }
      }
    }
    Collections.shuffle(cases, Random.from(random));
    Path study = directory.resolve("study");
    int tried = 0;
    // All faults of a long search are wanted, not the first alone, and each at once.
    List<Executable> checks = new ArrayList<>();
    long began = System.nanoTime();
    for (Case one : cases.subList(0, Math.min(most, cases.size()))) {
      copy(sound, study);
      Path file = study.resolve(one.target);
      DAMAGES.get(one.damage).strike(file, Files.readAllBytes(file), random);
      Path run = study.resolve("runs").resolve(targets(sound).getLast().getName(1));
      Map<String, byte[]> others = otherRuns(study, run);
      Path elsewhere = directory.resolve("elsewhere");
      List<Object> command = computing(study, run, elsewhere).get(one.command);
      String what = one + ", " + command + ", seed " + seed;
      Outcome ended = command.getFirst().equals("worker")
          ? worker(command)
          : InProcess.run(command.toArray());
      Map<String, byte[]> after = otherRuns(study, run);
      Executable check = () -> {
        requireByTheBook(ended, what);
        assertEquals(others.keySet(), after.keySet(), what);
        others.forEach((name, bytes) -> assertArrayEquals(bytes, after.get(name), what + ": " + name));
      };
      try {
        check.execute();
      } catch (Throwable failed) {
        System.out.println("DamagedFilesTest: " + failed.getMessage());
        checks.add(() -> {
          throw failed;
        });
      }
      tried++;
      if (tried % 50 == 0) {
        System.out.println("DamagedFilesTest: " + tried + " of " + cases.size() + " commands in "
            + (System.nanoTime() - began) / 1_000_000_000 + " s, " + checks.size() + " faults");
      }
      Folders.delete(study);
      Folders.delete(elsewhere);
    }
    assertAll(checks);
    System.out.println("DamagedFilesTest: " + Math.min(most, cases.size()) + " of " + cases.size()
        + " commands that compute, seed " + seed);
  }

  /** A worker takes the process's standard output, does not give it back, and leaves traces on standard error. */
  private static Outcome worker(List<Object> command) {
    PrintStream standardOutput = System.out;
    PrintStream standardError = System.err;
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    System.setOut(new PrintStream(OutputStream.nullOutputStream()));
    System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
    try {
      Outcome ended = InProcess.run(command.toArray());
      return new Outcome(ended.exitCode(), ended.out(),
          ended.err() + errors.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(standardOutput);
      System.setErr(standardError);
    }
  }

  /** Contents of the files of all runs but one; locks are no content. */
  private static Map<String, byte[]> otherRuns(Path study, Path run) throws IOException {
    Map<String, byte[]> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(study.resolve("runs"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (!file.startsWith(run) && !file.endsWith("lock")) {
          contents.put(study.relativize(file).toString(), Files.readAllBytes(file));
        }
      }
    }
    return contents;
  }

  private static void requireByTheBook(Outcome ended, String what) {
    assertTrue(ended.exitCode() >= 0 && ended.exitCode() <= UserException.USAGE, what + ": " + ended);
    assertFalse(ended.err().contains("\tat ") || ended.err().contains("internal error")
        || ended.err().contains("java.") || ended.err().contains("tools.jackson")
        || ended.err().contains("StreamRead"), what + ": " + ended.err());
    assertEquals(ended.exitCode() != 0, ended.err().lines().anyMatch(line -> line.startsWith("knowcap: ")),
        what + ": " + ended);
    assertTrue(ended.err().length() < 4000, what + ": " + ended.err());
  }

  /** A run whose result is gone ends with the result that it had, whatever its other files lost. */
  @Test
  void aFinishedRunThatLostFilesEndsAsBefore() throws Exception {
    byte[] garbage = "{\"step\":1}\nnull\n".getBytes(StandardCharsets.UTF_8);
    int number = 0;
    for (byte[] metrics : List.of(new byte[0], garbage)) {
      Path study = directory.resolve("again" + number++);
      copy(sound, study);
      Path struck = study.resolve("runs").resolve(targets(study).getLast().getName(1));
      Files.delete(struck.resolve("result.json"));
      if (metrics.length == 0) {
        Files.delete(struck.resolve("metrics.jsonl"));
      } else {
        Files.write(struck.resolve("metrics.jsonl"), metrics);
      }
      Outcome outcome = InProcess.run("run", directory.resolve("study.yaml"), "--out", study);
      assertEquals(0, outcome.exitCode(), outcome.toString());
      // What was made of the earlier result went with it.
      Map<String, String> expected = new TreeMap<>(rows);
      expected.keySet().removeIf(run -> run.startsWith(struck.getFileName() + "/"));
      assertEquals(expected, rows(study));
    }
  }

  /** A result counts only beside the run.json and the checkpoint that it was made from, and a quantised one likewise. */
  @Test
  void aResultBelongsToItsFiles() throws Exception {
    Path study = directory.resolve("belongs");
    copy(sound, study);
    List<Path> runs = runs(study);
    RunFolder struck = new RunFolder(runs.getFirst());
    Path settings = struck.path().resolve("run.json");
    Files.copy(runs.getLast().resolve("run.json"), settings, StandardCopyOption.REPLACE_EXISTING);
    requireRefused(study, struck, settings + ": changed, or of another run");
    Files.delete(settings);
    InProcess.succeeds("results", study);
    assertEquals(rows, rows(study));

    // The run as it could have been trained on another machine, with the results of that training.
    Path elsewhere = directory.resolve("belongs-elsewhere");
    copy(sound, elsewhere);
    RunFolder twin = StudyFolder.open(elsewhere).runFolder(struck.path().getFileName().toString());
    changeWeights(twin, 0.01f);
    requireRefused(elsewhere, twin,
        "result.json, line 1: damaged or of another version (it belongs to a checkpoint");
    Files.delete(twin.path().resolve("result.json"));
    InProcess.train(directory.resolve("study.yaml"), elsewhere);
    InProcess.succeeds("quantise", twin.path(), "--method", "rtn", "--bits", "8,4");
    Path quantised;
    try (Stream<Path> labels = Files.list(twin.path().resolve("quantised"))) {
      quantised = twin.path().relativize(labels.sorted().findFirst().orElseThrow().resolve("result.json"));
    }
    Files.copy(twin.path().resolve(quantised), struck.path().resolve(quantised),
        StandardCopyOption.REPLACE_EXISTING);
    Outcome ended = InProcess.run("results", study);
    String said = ended.out() + ended.err();
    assertTrue(said.contains(struck.path().resolve(quantised) + ", line 1: ")
        && said.contains("it belongs to a checkpoint"), said);
    assertEquals(5, rows(study).size());
  }

  /** Finite weights may be too large to compute with. */
  @Test
  void aModelWhoseLossIsNoNumberHasNoFigures() throws Exception {
    Path study = directory.resolve("grown");
    copy(sound, study);
    RunFolder run = new RunFolder(runs(study).getFirst());
    Path exported = directory.resolve("grown-exported");
    changeWeights(run, 1e38f);
    for (List<Object> command : List.<List<Object>>of(List.of("measure", run.path()),
        List.of("measure", run.path(), "--json"),
        List.of("measure", run.path(), "--people", directory.resolve("grown.parquet")),
        List.of("probe", run.path(), "--steps", 5),
        List.of("export", run.path(), exported, "--to", "huggingface", "--check"),
        List.of("export", run.path(), exported, "--to", "gguf", "--type", "F16"),
        List.of("export", run.path(), exported, "--to", "gguf", "--check"))) {
      requireNamed(command, run.checkpoint());
    }
    // Where the weights themselves are no numbers, nothing reads them.
    changeWeights(run, Float.NaN);
    for (List<Object> command : List.<List<Object>>of(List.of("measure", run.path()),
        List.of("probe", run.path()), List.of("export", run.path(), exported, "--to", "samediff"))) {
      requireNamed(command, run.checkpoint());
    }
    assertFalse(Files.exists(exported) || Files.exists(directory.resolve("grown.parquet")));
  }

  /** The command says in one line which file it cannot compute with. */
  private static void requireNamed(List<Object> command, Path file) {
    Outcome ended = InProcess.run(command.toArray());
    assertEquals(1, ended.exitCode(), command + ": " + ended);
    assertEquals("", ended.out(), command.toString());
    assertTrue(ended.err().startsWith("knowcap: " + file) && ended.err().lines().count() == 1,
        command + ": " + ended);
    requireByTheBook(ended, command.toString());
  }

  private static void changeWeights(RunFolder run, float to) throws IOException {
    RunSpec spec = StudyFolder.ofRun(run.path()).run(run.path().getFileName().toString());
    Program program = Program.scoring(spec.model(), RunSpec.ids(spec.corpus()), 1, 1);
    Checkpoint checkpoint = Checkpoint.read(run.checkpoint(), program);
    float[] weights = checkpoint.state().get(Session.PARAMETERS);
    Arrays.fill(weights, 0, weights.length / 2, to);
    checkpoint.write(run.checkpoint(), program);
  }

  /** The results of a run are gone, with a line that says why; all others are there. */
  private static void requireRefused(Path study, RunFolder run, String why) throws Exception {
    Outcome ended = InProcess.run("results", study);
    requireByTheBook(ended, why);
    assertTrue((ended.out() + ended.err()).contains(why), ended.toString());
    Map<String, String> expected = new TreeMap<>(rows);
    expected.keySet().removeIf(row -> row.startsWith(run.path().getFileName().toString()));
    assertEquals(expected, rows(study));
  }

  private static List<Path> runs(Path study) throws IOException {
    try (Stream<Path> runs = Files.list(study.resolve("runs"))) {
      return runs.sorted().toList();
    }
  }
}
