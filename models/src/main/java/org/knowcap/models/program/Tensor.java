package org.knowcap.models.program;

/**
 * A named matrix of a program, row-major, fp32 on the host. Throughout the package, R = rows of the batch times
 * tokens of a window, d = model width, V = vocabulary; token (b, t) is row b * length + t. Vectors have one row.
 *
 * @param name unique in its program
 */
public record Tensor(String name, Role role, int rows, int columns) {
  /** Where a tensor is stored and what writes it. */
  public enum Role {
    /** Token ids, R integers, given from outside at each step. */
    INPUT,
    /** Part of the flat parameter buffer. */
    PARAMETER,
    /**
     * Part of the flat gradient buffer, which has the order of the parameter buffer and is zeroed before each step;
     * operations add to it.
     */
    PARAMETER_GRADIENT,
    /** Written by one operation, read by later ones; its memory is planned. */
    ACTIVATION,
    /** A router's decision or its gradient. Each engine keeps it with the router, in memory of its own. */
    ROUTING
  }

  public Tensor {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(
          "tensor " + name + " must have at least one row and column, found " + rows + " x " + columns);
    }
  }

  /** Number of elements. */
  public long size() {
    return (long) rows * columns;
  }

  /** Bytes in fp32 (or int32 for inputs). */
  public long bytes() {
    return 4 * size();
  }

  /** A tensor that an operation saves beside this result, with as many rows. */
  public Tensor saved(String what, int width) {
    return new Tensor(name + "." + what, role, rows, width);
  }

  @Override
  public String toString() {
    return name + " [" + rows + ", " + columns + "]";
  }
}
