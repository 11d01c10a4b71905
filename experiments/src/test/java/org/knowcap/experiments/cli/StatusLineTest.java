package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.knowcap.experiments.runner.WorkerEvent;
import org.knowcap.models.training.EmbeddingOutliers;
import org.knowcap.models.training.Progress;

class StatusLineTest {
  private static final List<String> FACTS = List.of("3 of 12 runs", "3 min 20 s left", "24.1k tokens/s",
      "loss 3.412 2.991 3.002 2.875");

  @Test
  void itIsAlwaysShorterThanTheTerminalIsWide() {
    for (int columns = 1; columns < 200; columns++) {
      for (double part : new double[]{0, 0.004, 0.5, 1}) {
        String line = StatusLine.text(part, FACTS, columns);
        assertTrue(line.length() < columns, columns + ": " + line);
      }
    }
  }

  @Test
  void whatMattersMostStaysWhereThereIsLittleRoom() {
    assertEquals(" 45.2 %  3 of 12 runs, 3 min 20 s left, 24.1k tokens/s", StatusLine.text(0.452, FACTS, 60));
    assertEquals(" 45.2 % [####----]  3 of 12 runs, 3 min 20 s left", StatusLine.text(0.452, FACTS, 50));
    assertEquals(" 45.2 %  3 of 12 runs", StatusLine.text(0.452, FACTS, 24));
    assertEquals(
        " 45.2 % [#########-----------]  3 of 12 runs, 3 min 20 s left, 24.1k tokens/s, loss 3.412 2.991 3.002 2.875",
        StatusLine.text(0.452, FACTS, 120));
  }

  private static WorkerEvent progressed(String run, long step) {
    return new WorkerEvent.Progressed(run, new Progress(step, 1000, 3.5, 0.001, 12_345, 10,
        OptionalDouble.empty(), new EmbeddingOutliers(0.5, 0.25), List.of()));
  }

  /** What remains on the screen: other lines go above the line, and are not written over. */
  @Test
  void otherLinesStay() {
    ByteArrayOutputStream screen = new ByteArrayOutputStream();
    PrintStream terminal = new PrintStream(screen, true, StandardCharsets.UTF_8);
    AtomicLong now = new AtomicLong();
    try (
        ProgressDisplay display = new ProgressDisplay(new PrintWriter(terminal, true, StandardCharsets.UTF_8),
            Map.of("a", 1.0, "b", 1.0), List.of(), Optional.of(new StatusLine(terminal, () -> 60)),
            now::get)) {
      display.onEvent(new WorkerEvent.Started("a", 0));
      display.onEvent(progressed("a", 100));
      display.onEvent(new WorkerEvent.Finished("a", 1000, 0.5, 0.25, 10));
      display.onEvent(progressed("b", 100));
      display.onEvent(new WorkerEvent.Failed("b", "out of memory"));
    }
    List<String> rows = screen.toString(StandardCharsets.UTF_8)
        .replaceAll("[^\\n]*\\r\\u001b\\[K", "")
        .replaceAll("[^\\n]*\\r", "")
        .lines()
        .toList();
    assertEquals(2, rows.size(), rows.toString());
    assertTrue(rows.getFirst().startsWith("a: 1.00 kbit stored"), rows.toString());
    assertEquals("b: FAILED: out of memory", rows.get(1));
    assertTrue(screen.toString(StandardCharsets.UTF_8).contains("  5.0 %"));
  }

  @Test
  void aLogHasALineAMinuteOfEachRun() {
    StringWriter log = new StringWriter();
    AtomicLong now = new AtomicLong();
    try (ProgressDisplay display = new ProgressDisplay(new PrintWriter(log), Map.of("a", 1.0, "b", 1.0),
        List.of(), Optional.empty(), now::get)) {
      display.onEvent(new WorkerEvent.Started("a", 0));
      for (int second = 0; second < 200; second++) {
        now.set(second * 1_000_000_000L);
        display.onEvent(progressed("a", second + 1));
        if (second >= 100) {
          display.onEvent(progressed("b", second - 99));
        }
      }
    }
    List<String> lines = log.toString().lines().toList();
    assertEquals(List.of("a: step 61", "a: step 121", "b: step 61", "a: step 181"),
        lines.stream().map(line -> line.replaceAll(" of 1,000.*", "")).toList(), lines.toString());
    assertTrue(
        lines.getFirst().endsWith("loss 3.500, 12.3k tokens/s; the study: 3.1 % done, 32 min 19 s left"),
        lines.toString());
  }
}
