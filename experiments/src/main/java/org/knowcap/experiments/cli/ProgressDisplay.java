package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.runner.LocalLauncher;
import org.knowcap.experiments.runner.WorkerEvent;
import org.knowcap.models.training.Progress;

/**
 * Shows the progress of a study: a line that is written over on a terminal, or elsewhere a plain line of each run that trains, once a
 * minute at most; and a line for each run that ends. Work is counted in floating-point operations, so that small runs count for little.
 */
final class ProgressDisplay implements LocalLauncher.StudyListener, AutoCloseable {
  /** Nanoseconds between two lines of a run. */
  static final long BETWEEN_LINES = 60_000_000_000L;

  private final PrintWriter out;
  private final Map<String, Double> work;
  private final Map<String, Double> fractionDone = new HashMap<>();
  private final Map<String, Progress> running = new TreeMap<>();
  /** When a run had its last line, or began. */
  private final Map<String, Long> lastLines = new HashMap<>();
  /** Engines whose handicap has been printed. */
  private final Set<String> handicapped = new HashSet<>();
  private final Optional<StatusLine> line;
  private final LongSupplier nanoTime;
  private int ended;
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
   * @param line of the terminal, if someone watches
   * @param nanoTime a clock, as {@link System#nanoTime} is
   */
  ProgressDisplay(PrintWriter out, Map<String, Double> work, Collection<String> finished,
      Optional<StatusLine> line, LongSupplier nanoTime) {
    this.out = out;
    this.work = work;
    this.line = line;
    this.nanoTime = nanoTime;
    finished.forEach(run -> fractionDone.put(run, 1.0));
    ended = finished.size();
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
      case WorkerEvent.Started started -> {
        lastLines.put(started.run(), nanoTime.getAsLong());
        if (started.finishedSteps() > 0) {
          say(EventText.goesOn(started));
        }
      }
      case WorkerEvent.Handicapped handicap -> {
        if (handicapped.add(handicap.engine())) {
          say(EventText.handicapped(handicap));
        }
      }
      case WorkerEvent.WentBack back -> say(EventText.wentBack(back));
      case WorkerEvent.Progressed(String run, Progress progress) -> {
        fractionDone.put(run, (double) progress.step() / progress.steps());
        running.put(run, progress);
        if (began.isEmpty()) {
          began = OptionalLong.of(nanoTime.getAsLong());
          workBefore = workDone();
        }
        if (line.isPresent()) {
          line.get().show(workDone() / allWork(), facts());
        } else if (nanoTime.getAsLong()
            - lastLines.computeIfAbsent(run, _ -> nanoTime.getAsLong()) >= BETWEEN_LINES) {
          lastLines.put(run, nanoTime.getAsLong());
          say(run + ": " + shown(progress));
        }
      }
      case WorkerEvent.Finished finished -> {
        fractionDone.put(finished.run(), 1.0);
        running.remove(finished.run());
        ended++;
        say(EventText.finished(finished));
      }
      case WorkerEvent.Failed failed -> {
        workersFailed |= !work.containsKey(failed.run());
        running.remove(failed.run());
        say(EventText.failed(failed));
      }
    }
  }

  /** What the terminal's line says, the most important first. */
  private List<String> facts() {
    List<String> facts = new ArrayList<>();
    facts.add(Units.count(ended) + " of " + Units.count(work.size()) + " runs");
    left().ifPresent(time -> facts.add(time + " left"));
    facts.add(EventText.speed(running.values().stream().mapToDouble(Progress::tokensPerSecond).sum()));
    facts.add("loss " + running.values()
        .stream()
        .map(progress -> String.format(Locale.ROOT, "%.3f", progress.loss()))
        .collect(Collectors.joining(" ")));
    return facts;
  }

  /** What a line of a run says, and behind it how far the study is. */
  private String shown(Progress progress) {
    return EventText.step(progress) + "; the study: " + Units.percent(workDone() / allWork()) + " done"
        + left().map(time -> ", " + time + " left").orElse("");
  }

  /** The time left, once it can be estimated. */
  private Optional<String> left() {
    double seconds = (nanoTime.getAsLong() - began.orElse(nanoTime.getAsLong())) / 1e9;
    double speed = (workDone() - workBefore) / seconds;
    return seconds < 10 || !(speed > 0)
        ? Optional.empty()
        : Optional.of(Units.seconds((allWork() - workDone()) / speed));
  }

  /** Prints a line for people. */
  void say(String text) {
    line.ifPresent(StatusLine::clear);
    out.println(text);
    out.flush();
  }

  /** Whether a worker failed outside of any run. */
  boolean workersFailed() {
    return workersFailed;
  }

  @Override
  public void close() {
    line.ifPresent(StatusLine::close);
  }
}
