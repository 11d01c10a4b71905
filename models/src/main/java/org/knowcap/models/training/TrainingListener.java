package org.knowcap.models.training;

/** Receives the events of a run's training. */
public interface TrainingListener {
  /**
   * The run starts.
   *
   * @param finishedSteps 0, or the number of steps in its checkpoint
   * @param remembered what {@link #toRemember} gave when that checkpoint was written; empty without one
   */
  void started(long finishedSteps, String remembered);

  /** The text that the next checkpoint must hold for the next start; empty if there is none. */
  default String toRemember() {
    return "";
  }

  /** The last checkpoint is damaged, and the run goes back to the one before. */
  default void wentBack(String problem) {}

  /** Whether to stop after the present step, with a checkpoint from which a later call goes on; asked at every step. */
  default boolean stops() {
    return false;
  }

  /** Called at every {@code reportEvery}-th step and at the last. */
  void progressed(Progress progress);
}
