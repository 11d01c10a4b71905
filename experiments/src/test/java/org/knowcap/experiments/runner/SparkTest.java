package org.knowcap.experiments.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.ResultRows;
import org.knowcap.experiments.UserException;
import org.knowcap.files.Sha256;
import org.knowcap.testing.TimeLimit;

/**
 * Studies and corpora on a real Spark of this machine, whose executors are processes, one of which is killed; and what is said
 * where Spark fails. The profile 'spark' fetches that Spark.
 */
@Tag("process")
class SparkTest {
  private static final Path HOME = Path.of("..", "spark", "target", "home").toAbsolutePath().normalize();
  private static final String CORPUS = """
      name: spark
      corpus:
        kind: bioS
        people: %d
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: {name: gpt2-1-2, head_width: 8, rotary_fraction: 0.5}
      exposures: 10
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 10}
      seeds: [%s]
      """;
  /** For processes that live for seconds. */
  private static final String QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
  /** Two executors of a core each, on loopback. */
  private static final List<Object> TWO_EXECUTORS = List.of("--launcher", "spark", "--master",
      "local-cluster[2,1,512]", "--conf", "spark.executor.memory=512m", "--conf", "spark.ui.enabled=false",
      "--conf", "spark.driver.extraJavaOptions=" + QUICK, "--conf",
      "spark.executor.extraJavaOptions=" + QUICK, "--conf", "spark.driver.host=127.0.0.1", "--conf",
      "spark.driver.bindAddress=127.0.0.1");
  private static final long MOST_SECONDS = 200;

  @TempDir
  private Path directory;
  private Path study;
  private Path spec;

  @BeforeAll
  static void requireSpark() {
    assumeTrue(SparkTest.class.getClassLoader().getResource("org/knowcap/spark/SparkTasks.class") != null
        && Files.isDirectory(HOME), "built without -Pspark: not tested with a real Spark");
  }

  @BeforeEach
  void writeSpec() throws IOException {
    study = directory.resolve("study");
    spec = Files.writeString(directory.resolve("spark.yaml"), CORPUS.formatted(16, "1, 2, 3"));
  }

  /** Where Spark keeps what it needs while it runs: not in the folder of the tests. */
  private Map<String, String> environment(Path home) {
    return Map.of("SPARK_HOME", home.toString(), "SPARK_WORKER_DIR", directory.resolve("work").toString(),
        "SPARK_LOCAL_IP", "127.0.0.1", "JAVA_HOME", System.getProperty("java.home"));
  }

  private KnowcapProcess start(Object... arguments) {
    return KnowcapProcess.start(environment(HOME), List.of("-Dknowcap.checkpoint.seconds=0"),
        Stream.concat(Stream.of(arguments), TWO_EXECUTORS.stream()).toArray());
  }

  @Test
  void aKilledExecutorChangesNoRow() throws Exception {
    KnowcapProcess running = start("run", spec, "--out", study);
    ProcessHandle executor = executorWhose(running, this::hasCheckpoint);
    List<ProcessHandle> its = executor.descendants().toList();
    assertFalse(its.isEmpty());
    executor.destroyForcibly();
    Outcome outcome = running.end();
    assertEquals(0, outcome.exitCode(), () -> outcome + log());
    assertTrue(outcome.out().contains("on Spark") && outcome.out().contains("next: "), outcome.out());
    assertTrue(its.stream().noneMatch(ProcessHandle::isAlive), "a process outlives its executor");
    assertTrue(log().contains("ExecutorLostFailure"), log());

    Path calm = directory.resolve("calm");
    KnowcapProcess.succeeds("run", spec, "--out", calm, "--workers", 2);
    assertEquals(ResultRows.withoutTimes(calm), ResultRows.withoutTimes(study));
    // Nothing is left to do, and so no Spark is started.
    Outcome again = start("run", spec, "--out", study).end();
    assertTrue(again.exitCode() == 0 && again.out().contains("3 runs, 3 done before"), again.toString());
  }

  /** An executor one of whose processes has come so far, by its command line, when there are two executors. */
  private ProcessHandle executorWhose(KnowcapProcess running, Predicate<String> far) throws Exception {
    long until = System.nanoTime() + MOST_SECONDS * 1_000_000_000L;
    Set<Long> executors = new HashSet<>();
    while (System.nanoTime() < until && running.handle().isAlive()) {
      for (ProcessHandle process : running.handle().descendants().toList()) {
        if (commandLine(process).contains("\0org.apache.spark.executor.CoarseGrainedExecutorBackend\0")) {
          executors.add(process.pid());
          if (executors.size() == 2 && process.descendants().map(SparkTest::commandLine).anyMatch(far)) {
            return process;
          }
        }
      }
      Thread.sleep(20);
    }
    throw new AssertionError("no executor is at work: " + running.end() + log());
  }

  private boolean hasCheckpoint(String worker) {
    String[] words = worker.split("\0");
    return worker.contains("\0worker\0") && Files
        .exists(study.resolve("runs").resolve(words[words.length - 1]).resolve("checkpoint.safetensors"));
  }

  /** ProcessHandle knows no command lines of more than a page. */
  private static String commandLine(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"),
          StandardCharsets.ISO_8859_1);
    } catch (IOException ended) {
      return "";
    }
  }

  private String log() {
    return text(study.resolve("logs").resolve("spark.log"));
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Test
  void theFilesOfACorpusHaveTheBytesOfOneMachine() throws Exception {
    Path large = Files.writeString(directory.resolve("large.yaml"), CORPUS.formatted(200, "1"));
    Object[] generate = {"generate", large, "--format", "parquet,llmc", "--shard-size", 8000, "--out"};
    Path here = directory.resolve("here");
    KnowcapProcess.succeeds(Stream.concat(Stream.of(generate), Stream.of(here)).toArray());
    Path there = directory.resolve("there");
    Outcome written = start(Stream.concat(Stream.of(generate), Stream.of(there)).toArray()).end();
    assertEquals(0, written.exitCode(), written.toString());
    Map<String, String> expected = digests(here);
    assertTrue(expected.size() >= 7, expected.keySet().toString());
    assertEquals(expected, digests(there));
    // The same command goes on, whoever wrote the others.
    Files.delete(there.resolve("vocab.json"));
    Outcome again = KnowcapProcess.succeeds(Stream.concat(Stream.of(generate), Stream.of(there)).toArray());
    assertTrue(again.out().contains("1 files, beside " + (expected.size() - 2) + " that were there"),
        again.toString());
    assertEquals(expected, digests(there));
  }

  /** Its task is run again by the other executor; what the killed one had begun to write is gone. */
  @Test
  @Tag("slow")
  void anExecutorThatIsKilledWhileItWritesACorpusChangesNoByte() throws Exception {
    Path large = Files.writeString(directory.resolve("large.yaml"), CORPUS.formatted(200, "1"));
    // Eight files of 20 MB.
    Object[] generate = {"generate", large, "--format", "llmc", "--exposures", 6000, "--shard-size",
        10_000_000, "--out"};
    Path here = directory.resolve("here");
    KnowcapProcess.succeeds(Stream.concat(Stream.of(generate), Stream.of(here)).toArray());
    Path there = directory.resolve("there");
    KnowcapProcess running = start(Stream.concat(Stream.of(generate), Stream.of(there)).toArray());
    ProcessHandle executor = executorWhose(running, command -> isWriting(command, there));
    executor.destroyForcibly();
    Outcome outcome = running.end();
    assertEquals(0, outcome.exitCode(), outcome.toString());
    Map<String, String> expected = digests(here);
    assertTrue(expected.size() >= 8, expected.keySet().toString());
    assertEquals(expected, digests(there));
  }

  /** Whether a task's process has written a part of its file, under the name that the file has meanwhile. */
  private static boolean isWriting(String command, Path out) {
    String[] words = command.split("\0");
    if (!command.contains("\0--file\0")) {
      return false;
    }
    Path file = out.resolve(words[words.length - 1]);
    try (Stream<Path> files = Files.list(file.resolveSibling(""))) {
      return files.anyMatch(each -> each.getFileName().toString().startsWith(".tmp-" + file.getFileName())
          && each.toFile().length() > 0);
    } catch (IOException e) {
      return false;
    }
  }

  private static Map<String, String> digests(Path folder) throws IOException {
    Map<String, String> digests = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        digests.put(folder.relativize(file).toString(), Sha256.of(file));
      }
    }
    return digests;
  }

  /** A stand-in for spark-submit, in a SPARK_HOME of its own. */
  private Path home(String script) throws IOException {
    Path program = directory.resolve("home").resolve("bin").resolve("spark-submit");
    Files.createDirectories(program.getParent());
    Files.writeString(program, "#!/bin/sh\n" + script);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    return directory.resolve("home");
  }

  private Outcome runAt(Path home, Object... more) {
    return KnowcapProcess
        .start(environment(home), List.of(),
            Stream.concat(Stream.of("run", spec, "--out", study, "--launcher", "spark"), Stream.of(more))
                .toArray())
        .end();
  }

  @Test
  void whatSparkSaysIsPassedOn() throws Exception {
    Outcome missing = runAt(directory.resolve("nowhere"));
    assertEquals(UserException.FAILURE, missing.exitCode(), missing.toString());
    assertTrue(missing.err().contains("is no program; set SPARK_HOME"), missing.err());

    Path home = home(
        """
            echo 'WARN Client: something' >&2
            echo "Exception in thread \\"main\\" org.apache.spark.SparkException: Could not parse Master URL: 'x'" >&2
            exit 1
            """);
    Outcome refused = runAt(home);
    assertEquals(UserException.FAILURE, refused.exitCode());
    assertTrue(refused.err()
        .startsWith("knowcap: spark-submit ended with exit code 1 (SparkException: Could not parse Master")
        && refused.err().contains("spark.log"), refused.err());

    // The second line of the table never ends, the others end without a result.
    Outcome silent = runAt(home("""
        echo 'WARN TaskSchedulerImpl: Initial job has not accepted any resources; check your cluster UI' >&2
        sleep 0.5
        for task in 0 2; do echo "knowcap-task $task 137 "; done
        echo 'WARN other: 1 ERROR in this line is no complaint' >&2
        """));
    assertEquals(UserException.FAILURE, silent.exitCode(), silent.toString());
    assertTrue(silent.out().contains("note: no task has begun yet"), silent.out());
    assertEquals(2,
        silent.out().lines().filter(line -> line.contains("ended with exit code 137 on Spark")).count(),
        silent.out());
    assertTrue(silent.err().contains("3 of 3 runs have no result (2 failed, 1 not begun)"), silent.err());

    Outcome shown = runAt(home, "--dry-run", "--master", "yarn", "--threads", 2, "--conf",
        "spark.yarn.queue=night shift");
    assertTrue(shown.exitCode() == 0 && shown.out().contains("--master yarn --conf spark.task.cpus=2")
        && shown.out().contains("--conf 'spark.yarn.queue=night shift'")
        && shown.out().contains("env OMP_NUM_THREADS=2"), shown.toString());
  }

  /** Spark deals out GPUs to tasks, which tell their processes. */
  @Test
  void aTaskSeesTheGpuThatSparkGivesIt() throws Exception {
    Path discovery = directory.resolve("gpus.sh");
    Files.writeString(discovery, "#!/bin/sh\necho '{\"name\":\"gpu\",\"addresses\":[\"4\",\"5\"]}'\n");
    Files.setPosixFilePermissions(discovery, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path table = Files.writeString(directory.resolve("gpu.tasks"), "a\nb\nc d\n");
    List<String> settings = new ArrayList<>();
    for (int i = 4; i < TWO_EXECUTORS.size(); i++) {
      if (!TWO_EXECUTORS.get(i).equals("--conf")) {
        settings.add(TWO_EXECUTORS.get(i).toString());
      }
    }
    settings.addAll(List.of("spark.worker.resource.gpu.amount=2",
        "spark.worker.resource.gpu.discoveryScript=" + discovery,
        "spark.executor.resource.gpu.discoveryScript=" + discovery));
    SparkJob job = new SparkJob("gpus", table,
        List.of("sh", "-c", "sleep 1; echo $CUDA_VISIBLE_DEVICES $0 $1; exit 3"), 1, true,
        new SparkRequest(Optional.of("local-cluster[1,2,512]"), settings));
    List<String> words = new ArrayList<>(job.words());
    words.set(0, HOME.resolve("bin").resolve("spark-submit").toString());
    ProcessBuilder builder = new ProcessBuilder(words).redirectError(directory.resolve("gpu.log").toFile());
    builder.environment().putAll(environment(HOME));
    Process process = TimeLimit.start(builder);
    List<String> said = process.inputReader(StandardCharsets.UTF_8).lines().sorted().toList();
    assertEquals(0, process.waitFor(), () -> said + text(directory.resolve("gpu.log")));
    assertEquals(3, said.size(), said.toString());
    assertTrue(said.get(0).matches("knowcap-task 0 3 [45] a"), said.toString());
    assertTrue(said.get(2).matches("knowcap-task 2 3 [45] c d"), said.toString());
  }
}
