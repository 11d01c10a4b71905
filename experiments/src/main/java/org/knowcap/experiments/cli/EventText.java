package org.knowcap.experiments.cli;

import java.util.Locale;
import java.util.stream.Collectors;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.runner.WorkerEvent;
import org.knowcap.models.training.Progress;

/** What people are told of a run that is trained. */
final class EventText {
  private EventText() {}

  static String goesOn(WorkerEvent.Started started) {
    return started.run() + ": goes on after step " + Units.count(started.finishedSteps());
  }

  static String handicapped(WorkerEvent.Handicapped handicapped) {
    return "note: engine '" + handicapped.engine() + "': " + handicapped.reason();
  }

  static String wentBack(WorkerEvent.WentBack back) {
    return back.run() + ": goes back to the checkpoint before its last: " + back.problem();
  }

  /** Where a run is. */
  static String step(Progress progress) {
    return String.format(Locale.ROOT, "step %s of %s, loss %.3f, %s%s", Units.count(progress.step()),
        Units.count(progress.steps()), progress.loss(), speed(progress.tokensPerSecond()), dropped(progress));
  }

  static String finished(WorkerEvent.Finished finished) {
    return finished.run() + ": " + Units.bits(finished.storedBits()) + " stored, "
        + Units.percent(finished.saturation()) + " of its corpus, " + Units.ratio(finished.capacityRatio())
        + " bits per parameter, in " + Units.seconds(finished.seconds());
  }

  static String failed(WorkerEvent.Failed failed) {
    return failed.run() + ": FAILED: " + failed.reason();
  }

  static String speed(double tokensPerSecond) {
    return Units.brief(Math.round(tokensPerSecond / 100) * 100.0) + " tokens/s";
  }

  /** The share of tokens' requests that experts turned away. */
  private static String dropped(Progress progress) {
    return progress.dropped()
        .stream()
        .mapToObj(share -> ", " + Units.percent(share) + " turned away")
        .collect(Collectors.joining());
  }
}
