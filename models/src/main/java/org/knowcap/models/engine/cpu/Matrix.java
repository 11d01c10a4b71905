package org.knowcap.models.engine.cpu;

import org.knowcap.models.engine.lowering.DType;

/**
 * A stack of matrices of one shape, or a single one, as it lies in a session's memory.
 *
 * @param offset of the first element, in bytes
 * @param count matrices of the stack
 * @param countStride elements from one matrix to the next
 * @param rowStride elements from one row to the next
 * @param columnStride elements from one column to the next
 */
record Matrix(long offset, int count, long countStride, int rows, int columns, long rowStride,
    long columnStride, DType dtype) {

  /** Numbers of fp32 in a cache line, and of all there are in the widest vector. */
  private static final int LINE = 16;

  /** Numbers between the rows of a matrix whose rows begin on a cache line and end on a full vector. */
  static int stride(int columns) {
    return Math.ceilDiv(columns, LINE) * LINE;
  }

  /**
   * The same for rows of one precision. Matmuls of 16 columns read rows of bf16 to the end of their last cache line.
   * The numbers there are multiplied by zero, so they must be finite.
   */
  static int stride(int columns, DType dtype) {
    int line = LINE * DType.FP32.bytes() / dtype.bytes();
    return Math.ceilDiv(columns, line) * line;
  }

  /** A single matrix whose rows lie one behind the other. */
  static Matrix dense(long offset, int rows, int columns, DType dtype) {
    return new Matrix(offset, 1, 0, rows, columns, columns, 1, dtype);
  }

  Matrix transposed() {
    return new Matrix(offset, count, countStride, columns, rows, columnStride, rowStride, dtype);
  }

  /** The same elsewhere. */
  Matrix moved(long other) {
    return new Matrix(other, count, countStride, rows, columns, rowStride, columnStride, dtype);
  }

  /** Some of the rows of each. */
  Matrix rows(int from, int number) {
    return new Matrix(at(from, 0), count, countStride, number, columns, rowStride, columnStride, dtype);
  }

  /** Some of the columns of each. */
  Matrix columns(int from, int number) {
    return new Matrix(at(0, from), count, countStride, rows, number, rowStride, columnStride, dtype);
  }

  /**
   * Some of the columns as a stack of matrices, as heads lie beside each other.
   *
   * @param from first column of the first
   * @param number of matrices
   * @param apart columns from one to the next
   * @param width columns of each
   */
  Matrix stacked(int from, int number, int apart, int width) {
    return new Matrix(at(0, from), number, apart * columnStride, rows, width, rowStride, columnStride, dtype);
  }

  /** One of the stack. */
  Matrix single(int index) {
    return new Matrix(offset + dtype.bytes() * index * countStride, 1, 0, rows, columns, rowStride,
        columnStride, dtype);
  }

  /** Place of an element of the first matrix, in bytes. */
  long at(int row, int column) {
    return offset + dtype.bytes() * (row * rowStride + column * columnStride);
  }

  /** Bytes from one row to the next. */
  long rowBytes() {
    return dtype.bytes() * rowStride;
  }

  boolean isBf16() {
    return dtype.isBf16();
  }
}
