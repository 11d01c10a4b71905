package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import org.knowcap.models.program.Canon;

/** The causal depthwise convolution of Canon layers, row by row: sums are taken in fp32 in the work space. */
final class CanonKernel {
  private final MemorySegment memory;
  private final int length;
  private final boolean documented;
  private final long documents;
  private final int columns;
  /** Offset of a row of sums. */
  private final long sums;

  /**
   * @param documents offset of the position at which each token's document begins in its window, int32 [R]; read only where the
   *     operation looks at documents
   * @param work offset of {@link #workSize} floats
   */
  CanonKernel(MemorySegment memory, Canon operation, long documents, long work) {
    this.memory = memory;
    length = operation.length();
    documented = operation.documents().isPresent();
    this.documents = documents;
    columns = operation.x().columns();
    sums = work;
  }

  /** Floats of work space. */
  static long workSize(Canon operation) {
    return Matrix.stride(operation.x().columns());
  }

  /** The tokens before one in its window that are of its document, as far as the convolution reaches. */
  private int lags(int row, int firstRow) {
    int start = documented ? EmbeddingKernels.id(memory, documents, firstRow + row) : 0;
    return Math.min(Canon.WIDTH - 1, row % length - start);
  }

  /** The tokens behind one whose results depend on it: lags grow by one from token to token until a document ends. */
  private int followers(int row, int firstRow) {
    int most = Math.min(Canon.WIDTH - 1, length - 1 - row % length);
    int count = 0;
    while (count < most && lags(row + count + 1, firstRow) > count) {
      count++;
    }
    return count;
  }

  /**
   * out[r] = x[r] + sum over k of weight[k] * x[r - k].
   *
   * @param x [slice rows, n]
   * @param weight [4, n], fp32
   * @param out [slice rows, n]
   */
  Kernel forward(Matrix x, Matrix weight, Matrix out) {
    return firstRow -> {
      for (int r = 0; r < out.rows(); r++) {
        convolve(x, r, -1, lags(r, firstRow), weight, out);
      }
    };
  }

  /** to[r] = x[r] + sum over k up to a number of lags of weight[k] * x[r + k * direction]. */
  private void convolve(Matrix x, int r, int direction, int lags, Matrix weight, Matrix to) {
    Loops.scaled(memory, x.at(r, 0), x.isBf16(), 1, sums, false, columns);
    for (int k = 0; k <= lags; k++) {
      Loops.accumulateProduct(memory, x.at(r + k * direction, 0), x.isBf16(), weight.at(k, 0), false, sums,
          columns);
    }
    Loops.scaled(memory, sums, false, 1, to.at(r, 0), to.isBf16(), columns);
  }

  /**
   * dX[r] = dOut[r] + sum over k of weight[k] * dOut[r + k]; dWeight[k] += dOut[r] * x[r - k].
   *
   * @param dX [slice rows, n]
   * @param dWeight [4, n], fp32
   */
  Kernel backward(Matrix x, Matrix weight, Matrix dOut, Matrix dX, Matrix dWeight) {
    return firstRow -> {
      for (int r = 0; r < dX.rows(); r++) {
        int lags = lags(r, firstRow);
        for (int k = 0; k <= lags; k++) {
          Loops.accumulateProduct(memory, dOut.at(r, 0), dOut.isBf16(), x.at(r - k, 0), x.isBf16(),
              dWeight.at(k, 0), columns);
        }
        convolve(dOut, r, 1, followers(r, firstRow), weight, dX);
      }
    };
  }
}
