package org.knowcap.experiments.run;

import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import org.knowcap.analysis.results.RunResult;

/** How far a run is, as its folder says. */
public sealed interface RunState {
  /**
   * A figure of the run in a search: negative infinity if its loss diverged, because its learning rate has lost; empty if the
   * run has no result.
   */
  default OptionalDouble figure(ToDoubleFunction<RunResult> figure) {
    return switch (this) {
      case Done(MeasuredRun measured) -> OptionalDouble.of(figure.applyAsDouble(measured.result()));
      case Failed(_, boolean diverged) when diverged -> OptionalDouble.of(Double.NEGATIVE_INFINITY);
      case Pending _,Running _,Interrupted _,Failed _,Damaged _ -> OptionalDouble.empty();
    };
  }

  /** Nothing has happened yet. */
  record Pending() implements RunState {}

  /** Some process holds its lock. */
  record Running(Progressed progress) implements RunState {}

  /** The run was started, and the process that ran it is gone; the run can continue from its checkpoint. */
  record Interrupted(Progressed progress) implements RunState {}

  /** It has a result. */
  record Done(MeasuredRun run) implements RunState {}

  /**
   * The run failed.
   *
   * @param diverged whether its loss did: a property of its settings, unlike a lack of memory or a worker that died
   */
  record Failed(String reason, boolean diverged) implements RunState {}

  /** A file of the run cannot be read, or belongs to another run, so its result is not known. */
  record Damaged(String problem) implements RunState {}

  /** Last reported step and loss (nats a token); zero and NaN before the first report. */
  record Progressed(long step, double loss) {}
}
