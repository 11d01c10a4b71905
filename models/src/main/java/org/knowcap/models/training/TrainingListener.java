package org.knowcap.models.training;

/** Hears how a run goes. */
public interface TrainingListener {
  /** The run starts after this many finished steps: 0, or where its checkpoint stood. */
  void started(long finishedSteps);

  /** Called at every {@code reportEvery}-th step and at the last. */
  void progressed(Progress progress);
}
