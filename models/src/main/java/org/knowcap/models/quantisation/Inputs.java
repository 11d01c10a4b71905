package org.knowcap.models.quantisation;

import java.util.function.Consumer;

/** The inputs of a matrix in calibration, row by row. */
@FunctionalInterface
interface Inputs {
  /** Shows every row, [inputs], always in the same order; the array is the reader's to use until it returns. */
  void forEach(Consumer<float[]> reader);
}
