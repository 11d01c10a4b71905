package org.knowcap.models.engine;

import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Tensor;

/** A session that can also stop before an operation and show what that is about to read. */
public interface InspectableSession extends Session {
  /**
   * Runs the forward part up to an operation, which is left out, and copies one of the tensors that it reads.
   *
   * @param tokens [R]
   * @param operation of the program's forward part
   * @param tensor an activation that it reads
   * @return [rows * columns], row-major
   */
  float[] input(int[] tokens, ForwardOperation operation, Tensor tensor);
}
