package org.knowcap.models.engine;

import java.util.Map;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Tensor;

/** A session that can also stop before an operation and show what that is about to read. */
public interface InspectableSession extends Session {
  /**
   * Runs the forward part up to an operation, which is left out, and copies the activations that it reads.
   *
   * @param tokens [R]
   * @param operation of the program's forward part
   * @return each [rows * columns], row-major
   */
  Map<Tensor, float[]> inputs(int[] tokens, ForwardOperation operation);
}
