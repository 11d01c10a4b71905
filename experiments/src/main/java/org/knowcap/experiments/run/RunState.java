package org.knowcap.experiments.run;

/** How far a run is, as its folder says. */
public sealed interface RunState {
  /** Nothing has happened yet. */
  record Pending() implements RunState {}

  /** Some process holds its lock. */
  record Running(Progressed progress) implements RunState {}

  /** It was started, and whoever ran it is gone; it goes on from its checkpoint. */
  record Interrupted(Progressed progress) implements RunState {}

  /** It has a result. */
  record Done(MeasuredRun run) implements RunState {}

  /** It gave up. */
  record Failed(String reason) implements RunState {}

  /** A file of it cannot be read, or is not its own: nothing is known of its result. */
  record Damaged(String problem) implements RunState {}

  /** Last reported step and loss (nats a token); zero and NaN before the first report. */
  record Progressed(long step, double loss) {}
}
