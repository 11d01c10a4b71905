package org.knowcap.models.program;

/**
 * A weight matrix of a hidden layer in the flat buffers. It is a parameter, or a part of one: queries, keys and values lie side
 * by side in one parameter, as do the two matrices of a gated feed-forward, and experts lie under each other.
 *
 * @param offset its first element in the flat buffers
 * @param stride elements from one row to the next, at least {@code columns}
 */
public record HiddenMatrix(long offset, int rows, int columns, int stride) {
  /** Number of elements. */
  public long size() {
    return (long) rows * columns;
  }

  /** The smaller of rows and columns. */
  public int side() {
    return Math.min(rows, columns);
  }

  /** The same so many elements further on. */
  HiddenMatrix shifted(long by) {
    return new HiddenMatrix(offset + by, rows, columns, stride);
  }
}
