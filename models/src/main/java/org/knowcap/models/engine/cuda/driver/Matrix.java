package org.knowcap.models.engine.cuda.driver;

/**
 * A matrix on the device.
 *
 * @param numbers row after row, or column after column if transposed
 * @param rows as it is meant
 * @param columns as it is meant
 * @param stride numbers from one row to the next, or from one column to the next if transposed
 */
public record Matrix(Numbers numbers, int rows, int columns, int stride, boolean transposed) {
  /** One row behind the other. */
  public static Matrix dense(Numbers numbers, int rows, int columns) {
    return new Matrix(numbers, rows, columns, columns, false);
  }

  public Matrix transpose() {
    return new Matrix(numbers, columns, rows, stride, !transposed);
  }

  /** Numbers from its first to where another one like it would begin right behind it. */
  public long size() {
    return (long) (transposed ? columns : rows) * stride;
  }

  /** The same so many bytes further on. */
  public Matrix shifted(long bytes) {
    return new Matrix(numbers.shifted(bytes), rows, columns, stride, transposed);
  }

  /** Some of its rows; not for a transposed one. */
  public Matrix rows(int from, int count) {
    return new Matrix(numbers.from((long) from * stride), count, columns, stride, transposed);
  }

  @Override
  public String toString() {
    return "[" + rows + ", " + columns + "]" + (transposed ? "^T" : "")
        + (numbers.bf16() ? " bf16" : " fp32");
  }
}
