package org.knowcap.models.training;

/** Hears how a run goes. */
public interface TrainingListener {
  /**
   * The run starts.
   *
   * @param finishedSteps 0, or where its checkpoint stood
   * @param remembered what {@link #toRemember} gave when that checkpoint was written; empty without one
   */
  void started(long finishedSteps, String remembered);

  /** What the checkpoint that is about to be written shall hold for the next start; empty if nothing. */
  default String toRemember() {
    return "";
  }

  /** The last checkpoint is damaged, and the run goes back to the one before. */
  default void wentBack(String problem) {}

  /** Called at every {@code reportEvery}-th step and at the last. */
  void progressed(Progress progress);
}
