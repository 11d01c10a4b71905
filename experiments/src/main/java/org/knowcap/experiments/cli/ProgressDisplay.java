package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.runner.LocalLauncher;
import org.knowcap.experiments.runner.WorkerEvent;
import org.knowcap.models.training.Progress;

/**
 * Shows the progress of a study: a bar over all its work on a terminal, or a plain line every 15 seconds elsewhere,
 * and a line for each run that ends. Work is counted in floating-point operations, so that small runs count for
 * little.
 */
final class ProgressDisplay implements LocalLauncher.StudyListener, AutoCloseable {
  private static final long BETWEEN_LINES = 15_000_000_000L;
  private static final int BAR_STEPS = 1000;

  private final PrintWriter out;
  private final Map<String, Double> work;
  private final Map<String, Double> fractionDone = new HashMap<>();
  private final Map<String, Progress> running = new TreeMap<>();
  /** Engines whose handicap has been printed. */
  private final Set<String> handicapped = new HashSet<>();
  private final Optional<ProgressBar> bar;
  private long lastLine = System.nanoTime();
  /**
   * Time of the first progress, and the work done by then. The start of a worker is left out, because it says
   * nothing about speed.
   */
  private OptionalLong began = OptionalLong.empty();
  private double workBefore;
  private boolean workersFailed;

  /**
   * @param out where lines go
   * @param work operations of each run of the study, by its name
   * @param finished names of the runs that were done before
   * @param terminal whether someone watches
   */
  ProgressDisplay(PrintWriter out, Map<String, Double> work, Collection<String> finished, boolean terminal) {
    this.out = out;
    this.work = work;
    finished.forEach(run -> fractionDone.put(run, 1.0));
    bar = terminal
        ? Optional.of(new ProgressBarBuilder().setTaskName("runs")
            .setInitialMax(BAR_STEPS)
            .hideEta()
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(500)
            .clearDisplayOnFinish()
            .build())
        : Optional.empty();
  }

  private double allWork() {
    return work.values().stream().mapToDouble(Double::doubleValue).sum();
  }

  private double workDone() {
    return fractionDone.entrySet()
        .stream()
        .mapToDouble(e -> e.getValue() * work.getOrDefault(e.getKey(), 0.0))
        .sum();
  }

  @Override
  public void onEvent(WorkerEvent event) {
    switch (event) {
      case WorkerEvent.Started(String run, long finishedSteps) -> {
        if (finishedSteps > 0) {
          say(run + ": goes on after step " + finishedSteps);
        }
      }
      case WorkerEvent.Handicapped(String run, String engine, String reason) -> {
        if (handicapped.add(engine)) {
          say("note: engine '" + engine + "': " + reason);
        }
      }
      case WorkerEvent.WentBack(String run, String problem) ->
          say(run + ": goes back to the checkpoint before its last: " + problem);
      case WorkerEvent.Progressed(String run, Progress progress) -> {
        fractionDone.put(run, (double) progress.step() / progress.steps());
        running.put(run, progress);
        if (began.isEmpty()) {
          began = OptionalLong.of(System.nanoTime());
          workBefore = workDone();
        }
        show();
      }
      case WorkerEvent.Finished(String run, double stored, double ratio, double saturation, double seconds) -> {
        fractionDone.put(run, 1.0);
        running.remove(run);
        say(run + ": " + Units.bits(stored) + " stored, " + Units.percent(saturation) + " of its corpus, "
            + Units.ratio(ratio) + " bits per parameter, in " + Units.seconds(seconds));
      }
      case WorkerEvent.Failed(String run, String reason) -> {
        workersFailed |= !work.containsKey(run);
        running.remove(run);
        say(run + ": FAILED: " + reason);
      }
    }
  }

  private void show() {
    String status = running.values()
        .stream()
        .map(p -> String.format(Locale.ROOT, "loss %.3f at %s tokens/s", p.loss(),
            Units.brief(Math.round(p.tokensPerSecond() / 100) * 100.0)) + dropped(p))
        .collect(Collectors.joining("; ")) + left();
    double part = workDone() / allWork();
    bar.ifPresent(b -> b.stepTo(Math.round(BAR_STEPS * part)).setExtraMessage(status));
    if (bar.isEmpty() && System.nanoTime() - lastLine >= BETWEEN_LINES) {
      say(Units.percent(part) + " done, " + status);
    }
  }

  /** The share of tokens' requests that experts turned away. */
  private static String dropped(Progress progress) {
    return progress.dropped()
        .stream()
        .mapToObj(share -> ", " + Units.percent(share) + " turned away")
        .collect(Collectors.joining());
  }

  /** The time left, once it can be estimated. */
  private String left() {
    double seconds = (System.nanoTime() - began.orElse(System.nanoTime())) / 1e9;
    double speed = (workDone() - workBefore) / seconds;
    return seconds < 10 || speed <= 0 ? "" : ", " + Units.seconds((allWork() - workDone()) / speed) + " left";
  }

  private void say(String line) {
    lastLine = System.nanoTime();
    bar.ifPresent(b -> System.err.print("\r\u001b[K"));
    out.println(line);
    out.flush();
  }

  /** Whether a worker failed outside of any run. */
  boolean workersFailed() {
    return workersFailed;
  }

  @Override
  public void close() {
    bar.ifPresent(ProgressBar::close);
  }
}
