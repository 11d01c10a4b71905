package org.knowcap.models.interchange;

import org.knowcap.models.checkpoint.Safetensors;

/**
 * A tensor as another program has it, each of whose elements is one of our parameters.
 *
 * @param name theirs
 * @param shape [rows, columns], or [columns] of a vector
 * @param place where each element is in our flat parameter buffer
 */
record Counterpart(String name, long[] shape, Place place) {
  /** Maps an element of theirs to the index in our flat buffer; row 0 for vectors. */
  interface Place {
    int of(int row, int column);
  }

  private int rows() {
    return shape.length == 1 ? 1 : (int) shape[0];
  }

  private int columns() {
    return (int) shape[shape.length - 1];
  }

  /** Their tensor, from our flat parameters [P]. */
  Safetensors.Array gather(float[] parameters) {
    float[] theirs = new float[Math.multiplyExact(rows(), columns())];
    for (int row = 0; row < rows(); row++) {
      for (int column = 0; column < columns(); column++) {
        theirs[row * columns() + column] = parameters[place.of(row, column)];
      }
    }
    return new Safetensors.Array(shape, theirs, 0);
  }

  /** Writes their tensor into our flat parameters [P]. */
  void scatter(Safetensors.Array theirs, float[] parameters) {
    for (int row = 0; row < rows(); row++) {
      for (int column = 0; column < columns(); column++) {
        parameters[place.of(row, column)] = theirs.flat()[theirs.offset() + row * columns() + column];
      }
    }
  }
}
