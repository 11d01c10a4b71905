package org.knowcap.experiments.run;

/** How far a run is, as its folder says. */
public sealed interface RunState {
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
