package org.knowcap.experiments.watch;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.experiments.run.RunState;

/**
 * A row of the page.
 *
 * @param index of the run in the study
 * @param version of the view in which it changed last
 * @param state in a word
 * @param step last reported
 * @param steps of the whole run, where known
 * @param loss last reported, nats a token
 * @param seconds of training so far
 * @param secondsLeft of a run that is being trained
 * @param detail what it has stored, or why it has no result
 */
@JsonInclude(JsonInclude.Include.NON_ABSENT)
record RunView(int index, long version, String name, String model, long people, String state, long step,
    OptionalLong steps, OptionalDouble loss, OptionalDouble tokensPerSecond, OptionalDouble seconds,
    OptionalDouble secondsLeft, OptionalDouble capacityRatio, String detail) {
  static RunView of(int index, WatchedRun run) {
    return switch (run.state()) {
      case RunState.Done(var measured) -> done(index, run, measured.result());
      case RunState.Failed(String reason, _) -> reported(index, run, reason);
      case RunState.Damaged(String problem) -> reported(index, run, problem);
      case RunState.Pending _,RunState.Running _,RunState.Interrupted _ -> reported(index, run, "");
    };
  }

  /** A state in a word. */
  static String word(RunState state) {
    return switch (state) {
      case RunState.Done _ -> "done";
      case RunState.Failed _ -> "failed";
      case RunState.Damaged _ -> "damaged";
      case RunState.Pending _ -> "pending";
      case RunState.Running _ -> "running";
      case RunState.Interrupted _ -> "interrupted";
    };
  }

  private static RunView done(int index, WatchedRun run, RunResult result) {
    return new RunView(index, run.version(), run.name(), result.model(), result.people(), word(run.state()),
        result.steps(), OptionalLong.of(result.steps()), OptionalDouble.of(result.finalLossNats()),
        OptionalDouble.of(result.tokensPerSecond()), OptionalDouble.of(result.seconds()),
        OptionalDouble.empty(), OptionalDouble.of(result.capacityRatio()),
        Units.bits(result.storedBits()) + ", " + Units.percent(result.saturation()) + " of the corpus");
  }

  private static RunView reported(int index, WatchedRun run, String detail) {
    Optional<Metric> last = run.last();
    return new RunView(index, run.version(), run.name(), run.model(), run.spec().people(), word(run.state()),
        last.map(Metric::step).orElse(0L), run.steps(),
        optional(last.map(Metric::loss).filter(Double::isFinite)),
        optional(last.map(Metric::tokensPerSecond)), optional(last.map(Metric::seconds)),
        run.state() instanceof RunState.Running ? TimeLeft.ofRun(run) : OptionalDouble.empty(),
        OptionalDouble.empty(), detail.isEmpty() ? run.problem().orElse("") : detail);
  }

  private static OptionalDouble optional(Optional<Double> value) {
    return value.map(OptionalDouble::of).orElse(OptionalDouble.empty());
  }
}
