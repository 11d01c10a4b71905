package org.knowcap.experiments.cli;

import java.io.PrintStream;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.runner.WorkerEvent;

/**
 * What a worker without a supervisor says, such as a cluster's task in its log: plain lines, of each run one when it begins, one a minute at
 * most while it trains, and one when it ends. Several threads may send events.
 */
final class WorkerLog implements Consumer<WorkerEvent> {
  private final PrintStream out;
  private final LongSupplier nanoTime;
  /** When each run that is being trained had its last line. */
  private final Map<String, Long> training = new TreeMap<>();
  /** Engines whose handicap has been printed. */
  private final Set<String> handicapped = new HashSet<>();
  private boolean silent = true;

  /**
   * @param out where lines go
   * @param nanoTime a clock, as {@link System#nanoTime} is
   */
  WorkerLog(PrintStream out, LongSupplier nanoTime) {
    this.out = out;
    this.nanoTime = nanoTime;
  }

  @Override
  public synchronized void accept(WorkerEvent event) {
    silent = false;
    switch (event) {
      case WorkerEvent.Started started -> {
        training.put(started.run(), nanoTime.getAsLong());
        out.println(started.finishedSteps() > 0 ? EventText.goesOn(started) : started.run() + ": begins");
      }
      case WorkerEvent.Handicapped handicap -> {
        if (handicapped.add(handicap.engine())) {
          out.println(EventText.handicapped(handicap));
        }
      }
      case WorkerEvent.WentBack back -> out.println(EventText.wentBack(back));
      case WorkerEvent.Progressed(String run, var progress) -> {
        long now = nanoTime.getAsLong();
        if (now - training.computeIfAbsent(run, _ -> now) >= ProgressDisplay.BETWEEN_LINES) {
          training.put(run, now);
          out.println(
              run + ": " + EventText.step(progress) + ", " + Units.seconds(progress.secondsLeft()) + " left");
        }
      }
      case WorkerEvent.Finished finished -> {
        training.remove(finished.run());
        out.println(EventText.finished(finished));
      }
      case WorkerEvent.Failed failed -> {
        training.remove(failed.run());
        out.println(EventText.failed(failed));
      }
    }
  }

  /** Says at the worker's end what became of runs that have not ended, or that there was nothing to do. */
  synchronized void ended() {
    training.keySet()
        .forEach(run -> out.println(run + ": stopped; the same command goes on with it from its checkpoint"));
    if (silent) {
      out.println("nothing was trained: each run has a result, or another process trains it");
    }
  }
}
