package org.knowcap.models.engine.nd4j;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Sums over many numbers. ND4J 1.0.0-M2.1 adds an fp32 array number by number in fp32: of 40 million equal numbers it loses a
 * fifth, and how much depends on its threads. Here it adds stretches of {@value #STRETCH} numbers, and their sums are added in
 * double precision.
 */
final class Sums {
  private static final int STRETCH = 1024;

  private Sums() {}

  static double mean(INDArray x) {
    double sum = 0;
    for (INDArray part : parts(x)) {
      for (double stretch : part.sum(1).toDoubleVector()) {
        sum += stretch;
      }
    }
    return sum / x.length();
  }

  /** The Euclidean length. */
  static double norm(INDArray x) {
    double squares = 0;
    for (INDArray part : parts(x)) {
      for (double stretch : part.norm2(1).toDoubleVector()) {
        squares += stretch * stretch;
      }
    }
    return Math.sqrt(squares);
  }

  /** All whole stretches as rows, then what is left as one row. */
  private static INDArray[] parts(INDArray x) {
    long size = x.length();
    long whole = size / STRETCH * STRETCH;
    INDArray flat = x.reshape('c', 1, size);
    if (whole == 0 || whole == size) {
      return new INDArray[]{whole == 0 ? flat : flat.reshape('c', size / STRETCH, STRETCH)};
    }
    return new INDArray[]{
        flat.get(NDArrayIndex.all(), NDArrayIndex.interval(0, whole)).reshape('c', whole / STRETCH, STRETCH),
        flat.get(NDArrayIndex.all(), NDArrayIndex.interval(whole, size)).reshape('c', 1, size - whole)};
  }
}
