package org.knowcap.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.cli.InProcess;
import org.knowcap.testing.TestSeed;
import org.knowcap.testing.TimeLimit;

/** Kills processes that train, and compares what comes out in the end with an undisturbed run. */
@Tag("process")
class KillTest {
  private static final String STUDY = """
      name: kill
      corpus:
        kind: bioS
        people: 16
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: {name: gpt2-1-2, head_width: 8, rotary_fraction: 0.5}
      exposures: 30
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 10}
      """;
  /** Checkpoints after every step, so that a kill is likely to meet one half written. */
  private static final List<String> EVERY_STEP = List.of("-Dknowcap.checkpoint.seconds=0");

  @TempDir
  private Path directory;

  @Test
  void killedAtAnyMomentItEndsAsIfUndisturbed() throws Exception {
    long seed = TestSeed.value();
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    Path spec = Files.writeString(directory.resolve("kill.yaml"), STUDY);
    Path calm = directory.resolve("calm");
    Path killed = directory.resolve("killed");
    Outcome undisturbed = InProcess.succeeds("run", spec, "--out", calm);
    assertFalse(undisturbed.out().contains("goes on"), undisturbed.toString());

    KnowcapProcess first = KnowcapProcess.start(EVERY_STEP, "run", spec, "--out", killed);
    long firstMoment = random.nextLong(20, 200);
    awaitStep(killed, firstMoment, first);
    ProcessHandle worker = first.handle().children().findFirst().orElseThrow();
    worker.destroyForcibly();
    Outcome outcome = first.end();
    assertEquals(1, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.out().contains("FAILED: its process died with exit code "), outcome.toString());
    assertInstanceOf(RunState.Failed.class, state(killed));

    KnowcapProcess second = KnowcapProcess.start(EVERY_STEP, "run", spec, "--out", killed);
    long reached = folder(killed).readMetrics().getLast().step();
    long secondMoment = random.nextLong(reached + 10, 400);
    System.out.println("KillTest seed " + seed + ": killed at steps " + reached + " and " + secondMoment);
    awaitStep(killed, secondMoment, second);
    List<ProcessHandle> workers = second.handle().children().toList();
    requireRefusesWhatAnotherTrains(spec, killed, workers.getFirst());
    second.handle().destroyForcibly();
    second.end();
    assertEquals(1, workers.size());
    for (ProcessHandle orphan : workers) {
      orphan.onExit().get(10, TimeUnit.SECONDS);
    }
    assertInstanceOf(RunState.Interrupted.class, state(killed));

    Outcome last = InProcess.run("run", spec, "--out", killed);
    assertEquals(0, last.exitCode(), last.toString());
    assertTrue(last.out().contains("goes on after step "), last.toString());

    assertEquals(losses(calm), losses(killed));
    assertTrue(losses(calm).size() > 100);
    RunResult expected = assertInstanceOf(RunState.Done.class, state(calm)).run().result();
    RunResult result = assertInstanceOf(RunState.Done.class, state(killed)).run().result();
    assertEquals(expected.nameLossNats(), result.nameLossNats());
    assertEquals(expected.valueLossNats(), result.valueLossNats());
    assertEquals(expected.storedBits(), result.storedBits());
    assertEquals(expected.finalLossNats(), result.finalLossNats());
    assertEquals(expected.steps(), result.steps());
  }

  /** A command beside another on one study has no result to show, and says why. */
  private static void requireRefusesWhatAnotherTrains(Path spec, Path study, ProcessHandle worker)
      throws Exception {
    signal("STOP", worker);
    Outcome beside = InProcess.run("run", spec, "--out", study);
    assertEquals(1, beside.exitCode(), beside.toString());
    assertTrue(beside.err().contains("1 of 1 runs have no result (1 running in another process"),
        beside.toString());
    signal("CONT", worker);
  }

  private static void signal(String name, ProcessHandle process) throws Exception {
    assertEquals(0,
        TimeLimit.start(new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))).waitFor());
  }

  private static RunFolder folder(Path study) {
    StudyFolder folder = StudyFolder.open(study);
    return folder.runFolder(folder.study().runs().getFirst());
  }

  private static RunState state(Path study) throws IOException {
    return folder(study).state();
  }

  private static List<List<Number>> losses(Path study) throws IOException {
    return folder(study).readMetrics()
        .stream()
        .map(metric -> List.<Number>of(metric.step(), metric.loss()))
        .toList();
  }

  /** Waits until the process reports a step that late. */
  private static void awaitStep(Path study, long step, KnowcapProcess process) throws Exception {
    while (Files.notExists(study.resolve("study.yaml"))) {
      requireAlive(process);
      Thread.sleep(20);
    }
    RunFolder folder = folder(study);
    while (folder.readMetrics().stream().noneMatch(metric -> metric.step() >= step)) {
      requireAlive(process);
      Thread.sleep(10);
    }
  }

  private static void requireAlive(KnowcapProcess process) {
    if (!process.handle().isAlive()) {
      throw new AssertionError("it ended too early: " + process.end());
    }
  }
}
