package org.knowcap.experiments.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.testing.TestSeed;

/** A study on a real Slurm of this machine: a cancelled task, a requeued one, a time-out, a preemption, and SIGKILLs. */
@Tag("process")
class SlurmTest {
  private static final Path SCRIPT = Path.of("..", "scripts", "slurm-here.sh").toAbsolutePath().normalize();
  private static final String STUDY = """
      name: slurm
      corpus:
        kind: bioS
        people: 16
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: {name: gpt2-1-2, head_width: 8, rotary_fraction: 0.5}
      exposures: 40
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 10}
      seeds: [1, 2, 3, 4, 5, 6]
      """;
  /** Checkpoints after every step, so that a signal is likely to meet one half written. */
  private static final List<String> EVERY_STEP = List.of("-Dknowcap.checkpoint.seconds=0");
  private static final List<String> TIMES = List.of("seconds", "tokens_per_second");
  private static final long MOST_SECONDS = 600;
  private static final int MOST_KILLS = 200;
  private static final int MOST_REQUEUES = 50;

  @TempDir
  private Path directory;
  private Path study;
  private Path spec;
  private boolean up;

  private Map<String, String> environment() {
    return Map.of("SLURM_CONF", directory.resolve("slurm/slurm.conf").toString());
  }

  @BeforeEach
  void startSlurm() throws Exception {
    Said said = said(SCRIPT.toString(), "up", directory.resolve("slurm").toString());
    assumeTrue(said.exitCode != 3, said.text.strip() + ": not tested with a real Slurm");
    up = true;
    assertEquals(0, said.exitCode, said.text);
    study = directory.resolve("study");
    spec = Files.writeString(directory.resolve("slurm.yaml"), STUDY);
  }

  @AfterEach
  void stopSlurm() throws Exception {
    if (up) {
      said(SCRIPT.toString(), "down", directory.resolve("slurm").toString());
    }
  }

  private record Said(int exitCode, String text) {}

  /** Runs a program to its end. */
  private Said said(String... command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
        .redirectOutput(directory.resolve("said").toFile());
    builder.environment().putAll(environment());
    Process process = builder.start();
    // A job that Slurm can never start would wait for ever.
    if (!process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError(String.join(" ", command) + " has not ended after " + MOST_SECONDS + " s");
    }
    return new Said(process.exitValue(), Files.readString(directory.resolve("said"), StandardCharsets.UTF_8));
  }

  private String slurm(String... command) throws IOException, InterruptedException {
    Said said = said(command);
    assertEquals(0, said.exitCode, () -> String.join(" ", command) + ": " + said.text);
    return said.text;
  }

  private Outcome knowcap(Object... arguments) {
    return KnowcapProcess.start(environment(), EVERY_STEP, arguments).end();
  }

  private void launch() {
    Outcome launched = knowcap("run", spec, "--out", study, "--launcher", "slurm", "--time", 2);
    assertEquals(0, launched.exitCode(), launched.toString());
  }

  @Test
  void whateverStrikesTheTasksTheRowsAreThoseOfAnUndisturbedStudy() throws Exception {
    Outcome refused = knowcap("run", spec, "--out", study, "--launcher", "slurm", "--memory", "900000G");
    assertEquals(UserException.FAILURE, refused.exitCode(), refused.toString());
    assertTrue(refused.err().contains("give less --memory") && !refused.err().contains("--array-limit"),
        refused.err());
    launch();
    // Two run at a time. The first task is cancelled, the second put back in the queue by hand.
    String cancelled = task(worker(List.of()));
    slurm("scancel", cancelled);
    String requeued = task(worker(List.of(cancelled)));
    slurm("scontrol", "requeue", requeued);

    ProcessHandle killed = worker(List.of(cancelled, requeued));
    String killedTask = task(killed);
    killed.destroyForcibly();

    // A job of the urgent partition takes all cores, and what runs goes back to the queue.
    slurm("sbatch", "--wait", "--partition=urgent", "--ntasks=" + Runtime.getRuntime().availableProcessors(),
        "--output=/dev/null", "--wrap=sleep 1");

    // A worker that stands still reaches the time limit. Slurm wakes it with its last signal.
    ProcessHandle still = worker(List.of(cancelled, requeued, killedTask));
    String late = task(still);
    said("kill", "-STOP", Long.toString(still.pid()));

    ProcessHandle script = worker(List.of(cancelled, requeued, killedTask, late)).parent().orElseThrow();
    script.destroyForcibly();

    awaitEnd();
    String log = logs();
    assertTrue(log.contains("start 2") && log.contains("DUE TO TIME LIMIT"), log);
    StudyFolder folder = StudyFolder.open(study);
    Outcome status = knowcap("status", study);
    assertTrue(status.out().contains("Slurm " + cancelled + " CANCELLED"), status.out());

    // What was cancelled, and that whose script was killed, are submitted again, and nothing else.
    long open = folder.states().stream().filter(each -> !(each.state() instanceof RunState.Done)).count();
    assertTrue(open >= 1 && open < 6, status.out());
    launch();
    awaitEnd();
    assertTrue(folder.states().stream().allMatch(each -> each.state() instanceof RunState.Done),
        knowcap("status", study).out() + logs());
    System.out.println("SlurmTest: cancelled " + cancelled + ", requeued " + requeued + ", killed "
        + killedTask + ", stopped until the time limit " + late + "; " + open + " runs submitted again; "
        + (logs().split("Slurm task ", -1).length - 1) + " starts");

    Path calm = directory.resolve("calm");
    KnowcapProcess.succeeds("run", spec, "--out", calm, "--workers", 2);
    assertEquals(rows(calm), rows(study));
  }

  /**
   * Until 200 processes are killed and 50 tasks put back in the queue by hand. In the end the rows are those of an undisturbed
   * study, no step of training was reported twice, and no run ended twice.
   */
  @Test
  @Tag("slow")
  void twoHundredKillsAndFiftyRequeuesChangeNoRow() throws Exception {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(TestSeed.value());
    Files.writeString(spec, STUDY.replace("[1, 2, 3, 4, 5, 6]", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]"));
    Path calm = directory.resolve("calm");
    KnowcapProcess.succeeds("run", spec, "--out", calm, "--workers", 2);
    long began = System.nanoTime();
    int workersKilled = 0;
    int scriptsKilled = 0;
    int requeued = 0;
    int studies = 0;
    int submissions = 0;
    int starts = 0;
    while (workersKilled + scriptsKilled < MOST_KILLS || requeued < MOST_REQUEUES) {
      study = directory.resolve("storm" + studies++);
      launch();
      submissions++;
      while (open() > 0) {
        Thread.sleep(random.nextLong(100, 2500));
        List<ProcessHandle> workers = workers();
        if (slurm("squeue", "--noheader").isBlank()) {
          launch();
          submissions++;
        } else if (!workers.isEmpty()) {
          ProcessHandle victim = workers.get(random.nextInt(workers.size()));
          boolean killed = random.nextInt(5) > 0;
          if (killed && workersKilled + scriptsKilled < MOST_KILLS) {
            Optional<ProcessHandle> script = random.nextInt(5) == 0 ? victim.parent() : Optional.empty();
            if (script.orElse(victim).destroyForcibly()) {
              workersKilled += script.isPresent() ? 0 : 1;
              scriptsKilled += script.isPresent() ? 1 : 0;
            }
          } else if (!killed && requeued < MOST_REQUEUES
              && said("scontrol", "requeue", task(victim)).exitCode == 0) {
            requeued++;
          }
        }
      }
      awaitEnd();
      assertEquals(rows(calm), rows(study));
      requireEachStepOnce();
      starts += logs().split("Slurm task ", -1).length - 1;
    }
    System.out.println("SlurmTest seed " + TestSeed.value() + ": " + workersKilled + " workers and "
        + scriptsKilled + " batch scripts killed, " + requeued + " requeues, in " + studies
        + " studies of 12 runs, " + submissions + " submissions, " + starts + " starts of tasks, "
        + (System.nanoTime() - began) / 1_000_000_000L + " s");
  }

  private long open() throws IOException {
    return StudyFolder.open(study)
        .states()
        .stream()
        .filter(each -> !(each.state() instanceof RunState.Done))
        .count();
  }

  /** No step is reported twice, and no worker ended a run that had ended before. */
  private void requireEachStepOnce() throws IOException {
    Map<String, Integer> ends = new TreeMap<>();
    Matcher end = Pattern.compile("(?m)^(\\S+): .* stored, ").matcher(logs());
    while (end.find()) {
      assertEquals(1, ends.merge(end.group(1), 1, Integer::sum), end.group());
    }
    assertFalse(ends.isEmpty(), logs());
    try (Stream<Path> runs = Files.list(study.resolve("runs"))) {
      for (Path run : runs.toList()) {
        Map<Long, String> expected = losses(
            directory.resolve("calm").resolve("runs").resolve(run.getFileName()));
        losses(run).forEach((step, loss) -> assertEquals(expected.getOrDefault(step, loss), loss,
            () -> run + ", step " + step));
      }
    }
  }

  /** Reported losses by step, of which each is reported once, in order. */
  private static Map<Long, String> losses(Path run) throws IOException {
    TreeMap<Long, String> losses = new TreeMap<>();
    Matcher line = Pattern.compile("\"step\":(\\d+),\"loss\":([^,]+)")
        .matcher(Files.readString(run.resolve("metrics.jsonl")));
    while (line.find()) {
      long step = Long.parseLong(line.group(1));
      assertTrue(losses.isEmpty() || losses.lastKey() < step, () -> run + ", step " + step);
      losses.put(step, line.group(2));
    }
    assertFalse(losses.isEmpty(), run.toString());
    return losses;
  }

  /** Waits for a worker of the study that has written a checkpoint, and is of none of these tasks. */
  private ProcessHandle worker(List<String> but) throws Exception {
    long until = System.nanoTime() + MOST_SECONDS * 1_000_000_000L;
    while (System.nanoTime() < until) {
      for (ProcessHandle process : workers()) {
        Optional<String> run = runOf(process);
        if (run.isPresent()
            && Files.exists(study.resolve("runs").resolve(run.get()).resolve("checkpoint.safetensors"))
            && task(process).matches("[0-9_]+") && !but.contains(task(process))) {
          return process;
        }
      }
      Thread.sleep(100);
    }
    throw new AssertionError(
        "no worker after " + MOST_SECONDS + " s: " + slurm("squeue", "--array") + logs());
  }

  private List<ProcessHandle> workers() {
    return ProcessHandle.allProcesses()
        .filter(process -> ("\0" + read(process, "cmdline")).contains("\0worker\0" + study + "\0"))
        .toList();
  }

  /** A file that Linux has of a process; ProcessHandle knows no command lines of more than a page. Empty if it has ended. */
  private static String read(ProcessHandle process, String file) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(process.pid()), file),
          StandardCharsets.ISO_8859_1);
    } catch (IOException ended) {
      return "";
    }
  }

  /** The run of a worker; empty if it has ended. */
  private static Optional<String> runOf(ProcessHandle worker) {
    String[] words = read(worker, "cmdline").split("\0");
    return Optional.of(words[words.length - 1]).filter(word -> !word.isEmpty());
  }

  /** The task of a worker, as Slurm's variables in its environment say. */
  private static String task(ProcessHandle worker) {
    Map<String, String> variables = new TreeMap<>();
    for (String each : read(worker, "environ").split("\0")) {
      int equals = each.indexOf('=');
      if (equals > 0) {
        variables.put(each.substring(0, equals), each.substring(equals + 1));
      }
    }
    return variables.get("SLURM_ARRAY_JOB_ID") + "_" + variables.get("SLURM_ARRAY_TASK_ID");
  }

  private void awaitEnd() throws Exception {
    long until = System.nanoTime() + MOST_SECONDS * 1_000_000_000L;
    while (!slurm("squeue", "--noheader").isBlank()) {
      assertTrue(System.nanoTime() < until, () -> {
        try {
          return slurm("squeue", "--array") + logs();
        } catch (IOException | InterruptedException e) {
          return e.toString();
        }
      });
      Thread.sleep(500);
    }
  }

  /** What the tasks said, without their progress. */
  private String logs() throws IOException {
    List<String> said = new ArrayList<>();
    try (Stream<Path> logs = Files.list(study.resolve("logs"))) {
      for (Path log : logs.sorted().toList()) {
        Files.readString(log).lines().filter(line -> !line.contains(": step ")).forEach(said::add);
      }
    }
    return String.join("\n", said);
  }

  /** Rows of results.csv by run, without times. */
  private static Map<String, String> rows(Path study) throws IOException {
    List<String> lines = Files.readAllLines(study.resolve("results.csv"));
    List<String> columns = List.of(lines.getFirst().split(","));
    Map<String, String> rows = new TreeMap<>();
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      assertEquals(columns.size(), cells.length, line);
      TIMES.forEach(time -> cells[columns.indexOf(time)] = "");
      assertEquals(null, rows.put(cells[0], String.join(",", cells)), "twice: " + line);
    }
    return rows;
  }
}
