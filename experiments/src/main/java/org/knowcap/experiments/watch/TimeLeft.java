package org.knowcap.experiments.watch;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalDouble;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.study.RunSpec;

/**
 * Estimates from what runs have taken so far. A run that has not begun is taken to need as much time for its {@link RunSpec#cost} as the
 * runs of its model, or as all runs where none of its model has trained; and as many runs to train at a time as now.
 */
final class TimeLeft {
  private static final class Rate {
    private double seconds;
    private double cost;

    void add(double moreSeconds, double moreCost) {
      seconds += moreSeconds;
      cost += moreCost;
    }
  }

  private final Map<String, Rate> byModel = new HashMap<>();
  private final Rate all = new Rate();
  private double costDone;
  private double costAll;
  private double secondsOpen;
  private double longest;
  private int running;

  private TimeLeft(Collection<WatchedRun> runs) {
    runs.forEach(this::learn);
    runs.forEach(this::add);
  }

  static TimeLeft of(Collection<WatchedRun> runs) {
    return new TimeLeft(runs);
  }

  /** Seconds that a run needs at its mean speed so far; empty where it has not reported, or its steps are not known. */
  static OptionalDouble ofRun(WatchedRun run) {
    return run.last().isPresent() && run.steps().isPresent() && run.last().get().step() > 0
        ? OptionalDouble.of(run.last().get().seconds() * (run.steps().getAsLong() - run.last().get().step())
            / run.last().get().step())
        : OptionalDouble.empty();
  }

  /** The part of a run's steps that it has made. */
  private static double part(WatchedRun run) {
    if (run.state() instanceof RunState.Done) {
      return 1;
    }
    return run.last().isPresent() && run.steps().isPresent()
        ? (double) run.last().get().step() / run.steps().getAsLong()
        : 0;
  }

  private void learn(WatchedRun run) {
    double cost = run.cost() * part(run);
    double seconds = run.state() instanceof RunState.Done(var measured)
        ? measured.result().seconds()
        : run.last().map(Metric::seconds).orElse(0.0);
    if (cost > 0 && seconds > 0) {
      byModel.computeIfAbsent(run.model(), _ -> new Rate()).add(seconds, cost);
      all.add(seconds, cost);
    }
  }

  private void add(WatchedRun run) {
    double cost = run.cost();
    costAll += cost;
    costDone += cost * part(run);
    if (run.state() instanceof RunState.Done || run.state() instanceof RunState.Failed
        || run.state() instanceof RunState.Damaged) {
      return;
    }
    Rate rate = byModel.getOrDefault(run.model(), all);
    double left = ofRun(run)
        .orElse(rate.cost > 0 ? rate.seconds / rate.cost * cost * (1 - part(run)) : Double.NaN);
    secondsOpen += left;
    if (run.state() instanceof RunState.Running) {
      running++;
      longest = Math.max(longest, left);
    }
  }

  /** The part of the study's work that is done, from 0 to 1; what failed is not. */
  double partDone() {
    return costAll > 0 ? costDone / costAll : 0;
  }

  /** Until all runs that can still come to an end have, with as many at a time as now; empty where none is being trained, or too little is known. */
  OptionalDouble seconds() {
    double seconds = Math.max(longest, secondsOpen / running);
    return running > 0 && Double.isFinite(seconds) ? OptionalDouble.of(seconds) : OptionalDouble.empty();
  }
}
