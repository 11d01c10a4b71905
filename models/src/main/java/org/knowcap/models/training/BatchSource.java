package org.knowcap.models.training;

/** An endless sequence of batches, a pure function of its starting position. */
public interface BatchSource {
  /** The next batch. Called from one thread, not the training thread. */
  Batch next();

  /** Opens a source. */
  interface Factory {
    /** From the start of the data. */
    BatchSource start();

    /** From where {@link Batch#after} said. */
    BatchSource resume(long[] position);
  }
}
