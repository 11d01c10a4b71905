package org.knowcap.experiments.run;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import org.knowcap.experiments.run.RunFolder.Metric;

/** Runs that seem to be trained, for tests of those that look on. */
public final class WatchedFiles {
  private WatchedFiles() {}

  /** Takes a run's result away and has it begun again, with reports of every tenth step; nobody holds its lock. */
  public static void trainAgain(RunFolder folder, int reports) throws IOException {
    folder.forget();
    folder.lock().orElseThrow().close();
    for (int i = 1; i <= reports; i++) {
      report(folder, i);
    }
  }

  /** Has a run report its tenth, twentieth, ... step. */
  public static void report(RunFolder folder, int number) throws IOException {
    Files.createDirectories(folder.path());
    folder.appendMetric(new Metric(10L * number, 8.0 / number, 0.003, 1e5, 0.1 * number, Optional.empty(),
        Optional.of(0.5), Optional.of(0.25), List.of(), Optional.empty()));
  }
}
