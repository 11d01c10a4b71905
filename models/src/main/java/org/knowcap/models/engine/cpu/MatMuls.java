package org.knowcap.models.engine.cpu;

import java.util.Optional;

/** Matmuls over a session's memory, each prepared once and then run as often as needed by one worker. */
interface MatMuls extends AutoCloseable {
  /**
   * Prepares out = a * b + bias, or out += a * b.
   *
   * @param a [n, k], or a stack of them
   * @param b [k, m], a stack as high
   * @param bias [1, m], added to each row
   * @param out [n, m], a stack as high, rows dense
   * @param accumulate whether to add to what is there; never with a bias
   */
  Runnable matmul(Matrix a, Matrix b, Optional<Matrix> bias, Matrix out, boolean accumulate);

  /** A matmul whose matrices have other offsets each time it runs. */
  @FunctionalInterface
  interface Movable {
    /** @param bias not used without one; all offsets in the session's memory, in bytes */
    void run(long a, long b, long bias, long out);
  }

  /** Prepares a matmul of such shapes, as {@link #matmul} does, wherever single matrices lie. */
  Movable movable(Matrix a, Matrix b, Optional<Matrix> bias, Matrix out, boolean accumulate);

  /**
   * Prepares dWeight += x^T * dOut, or the same transposed: whichever writes along the rows that are stored.
   *
   * @param x [rows, n]
   * @param dOut [rows, m]
   * @param dWeight [n, m]
   */
  default Runnable weightGradient(Matrix x, Matrix dOut, Matrix dWeight) {
    return dWeight.columnStride() == 1
        ? matmul(x.transposed(), dOut, Optional.empty(), dWeight, true)
        : matmul(dOut.transposed(), x, Optional.empty(), dWeight.transposed(), true);
  }

  @Override
  void close();
}
