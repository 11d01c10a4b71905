package org.knowcap.models.engine.nd4j;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Keeps a matrix [R, V] at one where the row's id is, and zero elsewhere. Only the ones of the last step are cleared.
 */
final class OneHot implements Runnable {
  private final INDArray ids;
  private final INDArray matrix;
  private final int[] set;

  OneHot(SessionArrays arrays, INDArray ids, int vocabulary) {
    if (ids.dataType() != DataType.INT32) {
      throw new IllegalArgumentException("ids must be integers, found " + ids.dataType());
    }
    this.ids = ids;
    matrix = arrays.own(ids.length(), vocabulary);
    this.set = new int[(int) ids.length()];
  }

  INDArray matrix() {
    return matrix;
  }

  @Override
  public void run() {
    long vocabulary = matrix.columns();
    for (int row = 0; row < set.length; row++) {
      matrix.data().put(row * vocabulary + set[row], 0f);
      int id = ids.data().getInt(row);
      set[row] = Math.max(0, id);
      matrix.data().put(row * vocabulary + set[row], id < 0 ? 0f : 1f);
    }
  }
}
