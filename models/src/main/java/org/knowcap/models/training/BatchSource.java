package org.knowcap.models.training;

/** An endless sequence of batches, a pure function of its starting position. */
public interface BatchSource {
  /** The next batch. One thread calls this, which is not the training thread. */
  Batch next();

  /** Opens a source. */
  interface Factory {
    /** Opens the source at the start of the data. */
    BatchSource start();

    /** Opens the source at a position that {@link Batch#after} gave. */
    BatchSource resume(long[] position);
  }
}
