package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.knowcap.experiments.runner.WorkerEvent;
import org.knowcap.models.training.EmbeddingOutliers;
import org.knowcap.models.training.Progress;

class WorkerLogTest {
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final AtomicLong now = new AtomicLong();
  private final WorkerLog log = new WorkerLog(new PrintStream(said, true, StandardCharsets.UTF_8), now::get);

  private List<String> lines() {
    return said.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private void progressed(String run, long step) {
    log.accept(new WorkerEvent.Progressed(run, new Progress(step, 20_000, 3.5, 0.001, 12_345, 200 - step,
        OptionalDouble.empty(), new EmbeddingOutliers(0.5, 0.25), List.of())));
  }

  @Test
  void eachRunHasALineAMinuteAndOneAtEachEnd() {
    log.accept(new WorkerEvent.Started("a", 0));
    log.accept(new WorkerEvent.Handicapped("a", "cpu", "no fast instructions"));
    for (int second = 0; second < 130; second++) {
      now.set(second * 1_000_000_000L);
      if (second == 50) {
        log.accept(new WorkerEvent.Started("b", 1234));
        log.accept(new WorkerEvent.Handicapped("b", "cpu", "no fast instructions"));
        log.accept(new WorkerEvent.WentBack("b", "it is damaged"));
      }
      progressed("a", second);
      if (second > 50) {
        progressed("b", second);
      }
    }
    log.accept(new WorkerEvent.Finished("a", 1000, 0.5, 0.25, 130));
    log.accept(new WorkerEvent.Failed("b", "out of memory"));
    log.ended();
    assertEquals(List.of("a: begins", "note: engine 'cpu': no fast instructions",
        "b: goes on after step 1,234", "b: goes back to the checkpoint before its last: it is damaged",
        "a: step 60 of 20,000, loss 3.500, 12.3k tokens/s, 2 min 20 s left",
        "b: step 110 of 20,000, loss 3.500, 12.3k tokens/s, 1 min 30 s left",
        "a: step 120 of 20,000, loss 3.500, 12.3k tokens/s, 1 min 20 s left",
        "a: 1.00 kbit stored, 25.0 % of its corpus, 0.500 bits per parameter, in 2 min 10 s",
        "b: FAILED: out of memory"), lines());
  }

  @Test
  void whatEndsWithoutAResultIsSaid() {
    log.accept(new WorkerEvent.Started("a", 0));
    progressed("a", 7);
    log.ended();
    assertEquals(List.of("a: begins", "a: stopped; the same command goes on with it from its checkpoint"),
        lines());
  }

  @Test
  void aWorkerWithNothingToDoSaysSo() {
    log.ended();
    assertEquals(List.of("nothing was trained: each run has a result, or another process trains it"),
        lines());
  }
}
