package org.knowcap.models.quantisation;

import java.util.function.Consumer;

/** The rows that a matrix is multiplied by in calibration. */
@FunctionalInterface
interface Inputs {
  /** Shows every row, [inputs], always in the same order; the array is the reader's to use until it returns. */
  void forEach(Consumer<float[]> reader);
}
