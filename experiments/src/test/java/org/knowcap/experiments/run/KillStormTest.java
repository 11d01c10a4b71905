package org.knowcap.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.cli.InProcess;
import org.knowcap.experiments.ResultRows;
import org.knowcap.testing.TestSeed;
import org.knowcap.testing.TimeLimit;

/**
 * Two supervisors work on one study at once, while signals strike them and their workers again and again; in the end the
 * table has the rows of an undisturbed study.
 */
@Tag("process")
class KillStormTest {
  private static final String STUDY = """
      name: storm
      corpus:
        kind: bioS
        people: 16
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: {name: gpt2-1-2, head_width: 8, rotary_fraction: 0.5}
      exposures: 20
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 10}
      seeds: [%s]
      """;
  /** Checkpoints after every step, so that a signal is likely to meet one half written. */
  private static final List<String> EVERY_STEP = List.of("-Dknowcap.checkpoint.seconds=0");

  private enum Signal {
    TERM, KILL, STOP, CONT;

    void send(ProcessHandle process) throws Exception {
      TimeLimit.start(new ProcessBuilder("kill", "-" + name(), Long.toString(process.pid()))
          .redirectError(ProcessBuilder.Redirect.DISCARD)).waitFor();
    }
  }

  /** A process that goes on later. */
  private record Stopped(ProcessHandle process, long until) {}

  private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom")
      .create(TestSeed.value());
  private final Map<Signal, Integer> sent = new EnumMap<>(Signal.class);
  private final List<Stopped> stopped = new ArrayList<>();

  @TempDir
  private Path directory;

  @Test
  void aShortStormChangesNoRow() throws Exception {
    weather(4, 20);
  }

  @Test
  @Tag("slow")
  void aLongStormChangesNoRow() throws Exception {
    weather(50, 500);
  }

  /** As many signals as wanted, on one study after another where one is done before. */
  private void weather(int runs, int signals) throws Exception {
    String seeds = String.join(", ",
        Stream.iterate(1, seed -> seed + 1).limit(runs).map(Object::toString).toList());
    Path spec = Files.writeString(directory.resolve("storm.yaml"), STUDY.formatted(seeds));
    Path calm = directory.resolve("calm");
    InProcess.succeeds("run", spec, "--out", calm, "--workers", 2);
    Map<String, String> expected = ResultRows.withoutTimes(calm);
    assertEquals(runs, expected.size());
    int studies = 0;
    while (struck() < signals) {
      Path study = directory.resolve("storm" + studies++);
      strike(spec, study, signals);
      InProcess.succeeds("run", spec, "--out", study, "--workers", 2);
      assertEquals(expected, ResultRows.withoutTimes(study));
      requireNoTraces(study);
    }
    System.out.println("KillStormTest seed " + TestSeed.value() + ": " + struck() + " signals " + sent
        + " in " + studies + " studies of " + runs + " runs");
  }

  private int struck() {
    return sent.values().stream().mapToInt(Integer::intValue).sum() - sent.getOrDefault(Signal.CONT, 0);
  }

  /** Until the study is done, or enough signals are sent. */
  private void strike(Path spec, Path study, int signals) throws Exception {
    KnowcapProcess[] supervisors = new KnowcapProcess[2];
    boolean done = false;
    while (!done && struck() < signals) {
      for (int i = 0; i < supervisors.length && !done; i++) {
        if (supervisors[i] == null || !supervisors[i].handle().isAlive()) {
          if (supervisors[i] != null) {
            done = requireByTheBook(supervisors[i].end());
          }
          supervisors[i] = KnowcapProcess.start(EVERY_STEP, "run", spec, "--out", study, "--workers", 1);
        }
      }
      Thread.sleep(random.nextLong(50, 500));
      goOn(System.nanoTime());
      List<ProcessHandle> alive = Arrays.stream(supervisors)
          .map(KnowcapProcess::handle)
          .flatMap(supervisor -> Stream.concat(Stream.of(supervisor), supervisor.descendants()))
          .filter(ProcessHandle::isAlive)
          .toList();
      if (!alive.isEmpty()) {
        send(alive.get(random.nextInt(alive.size())));
      }
    }
    goOn(Long.MAX_VALUE);
    for (KnowcapProcess supervisor : supervisors) {
      requireByTheBook(supervisor.end());
    }
  }

  private void send(ProcessHandle victim) throws Exception {
    Signal signal = List.of(Signal.TERM, Signal.KILL, Signal.KILL, Signal.STOP).get(random.nextInt(4));
    signal.send(victim);
    sent.merge(signal, 1, Integer::sum);
    if (signal == Signal.STOP) {
      stopped.add(new Stopped(victim, System.nanoTime() + random.nextLong(3_000_000_000L)));
    }
  }

  private void goOn(long now) throws Exception {
    for (Iterator<Stopped> each = stopped.iterator(); each.hasNext();) {
      Stopped one = each.next();
      if (one.until - now <= 0 || now == Long.MAX_VALUE) {
        Signal.CONT.send(one.process);
        sent.merge(Signal.CONT, 1, Integer::sum);
        each.remove();
      }
    }
  }

  /** @return whether the study was done */
  private static boolean requireByTheBook(Outcome outcome) {
    assertTrue(List.of(0, 1, 137, 143).contains(outcome.exitCode()), outcome.toString());
    assertFalse(outcome.err().contains("\tat ") || outcome.err().contains("internal error"),
        outcome.toString());
    return outcome.exitCode() == 0;
  }

  private static void requireNoTraces(Path study) throws IOException {
    try (Stream<Path> logs = Files.list(study.resolve("logs"))) {
      for (Path log : logs.toList()) {
        String said = Files.readString(log);
        assertFalse(said.contains("\tat "), said);
      }
    }
  }
}
