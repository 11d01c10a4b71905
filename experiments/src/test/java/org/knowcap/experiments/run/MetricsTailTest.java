package org.knowcap.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.testing.TestSeed;

class MetricsTailTest {
  @TempDir
  private Path directory;

  private static Metric metric(long step, double seconds) {
    return new Metric(step, 8.0 / step, 0.001, 1000, seconds, Optional.empty(), Optional.empty(),
        Optional.empty(), List.of(), Optional.empty());
  }

  /** Whatever happens to a file between two readings, the tail has what a reader of the whole file has. */
  @Test
  void whatItHasReadIsWhatTheFileHolds() throws IOException {
    RandomGenerator random = new SplittableRandom(TestSeed.value());
    for (int i = 0; i < 20; i++) {
      RunFolder folder = new RunFolder(Files.createDirectories(directory.resolve("run" + i)));
      MetricsTail tail = folder.metricsTail();
      List<Metric> seen = new ArrayList<>();
      long step = 0;
      double seconds = 0;
      for (int turn = 0; turn < 60; turn++) {
        switch (random.nextInt(8)) {
          case 0 -> {
            // It goes on from a checkpoint, and perhaps reports some steps again at once.
            step = random.nextLong(step + 1);
            long back = step;
            folder.rewindMetrics(step,
                folder.readMetrics().stream().filter(m -> m.step() <= back).reduce((a, b) -> b));
          }
          case 1 -> Files.deleteIfExists(folder.metrics());
          case 2 -> Files.writeString(folder.metrics(), "{\"step\":" + random.nextInt(100),
              StandardOpenOption.CREATE, StandardOpenOption.APPEND);
          default -> {
            cutLast(folder.metrics());
            for (int j = random.nextInt(5); j > 0; j--) {
              step++;
              seconds += random.nextDouble();
              folder.appendMetric(metric(step, seconds));
            }
          }
        }
        if (random.nextInt(3) > 0) {
          MetricsTail.News news = tail.read();
          if (news.anew()) {
            seen.clear();
          }
          seen.addAll(news.metrics());
          assertEquals(folder.readMetrics(), seen);
        }
      }
    }
  }

  /** As a resumed run does before it appends. */
  private static void cutLast(Path file) throws IOException {
    if (Files.exists(file)) {
      String text = Files.readString(file);
      Files.writeString(file, text.substring(0, text.lastIndexOf('\n') + 1));
    }
  }

  @Test
  void aDamagedLineIsNamedAndTheOthersCount() throws IOException {
    RunFolder folder = new RunFolder(Files.createDirectories(directory.resolve("run")));
    MetricsTail tail = folder.metricsTail();
    assertFalse(tail.read().any());
    folder.appendMetric(metric(1, 1));
    Files.write(folder.metrics(), new byte[]{(byte) 0xff, '\n'}, StandardOpenOption.APPEND);
    Files.writeString(folder.metrics(), "null\n", StandardOpenOption.APPEND);
    folder.appendMetric(metric(2, 2));
    MetricsTail.News news = tail.read();
    assertEquals(List.of(metric(1, 1), metric(2, 2)), news.metrics());
    assertEquals(2, news.problems().size());
    assertTrue(news.problems().getFirst().contains("metrics.jsonl, line 2: damaged"), news.toString());
    assertFalse(tail.read().any());
  }

  @Test
  void whatWasReadIsNotReadAgain() throws IOException {
    RunFolder folder = new RunFolder(Files.createDirectories(directory.resolve("run")));
    MetricsTail tail = folder.metricsTail();
    folder.appendMetric(metric(1, 1));
    folder.appendMetric(metric(2, 2));
    tail.read();
    // Only the last line read is looked at again.
    byte[] text = Files.readAllBytes(folder.metrics());
    text[0] = '[';
    Files.write(folder.metrics(), text);
    folder.appendMetric(metric(3, 3));
    assertEquals(new MetricsTail.News(false, List.of(metric(3, 3)), List.of()), tail.read());
    Files.writeString(folder.metrics(), new String(text, StandardCharsets.UTF_8).substring(2));
    assertTrue(tail.read().anew());
  }
}
