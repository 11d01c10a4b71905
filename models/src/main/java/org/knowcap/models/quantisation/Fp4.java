package org.knowcap.models.quantisation;

import java.util.Arrays;
import java.util.Locale;

/**
 * 4-bit floating point (E2M1: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives), rounded to nearest even, in blocks of a
 * row that have a scale. A row's last block may be smaller; it takes the bits of a whole one.
 */
public enum Fp4 implements FixedQuantiser {
  /**
   * MXFP4 of OCP's Microscaling Formats 1.0: 32 weights have a power of two as scale (E8M0, 8 bits), which is the
   * largest power of two that is not above the block's largest absolute weight, over 4, the largest power of two of
   * E2M1. A weight beyond 6 scales becomes 6 scales.
   */
  MXFP4(32, 0) {
    @Override
    double scale(double largest, double matrix) {
      return Math.scalb(1.0, Math.clamp(Math.getExponent(largest) - 2, -127, 127));
    }
  },
  /**
   * NVFP4 of NVIDIA's Transformer Engine and Blackwell: 16 weights have a scale in E4M3, and the matrix one in fp32,
   * with which its largest absolute weight becomes 6 times 448, the largest product of both formats.
   */
  NVFP4(16, 32) {
    @Override
    double scale(double largest, double matrix) {
      double unit = (float) (matrix / (Minifloat.E2M1.greatest() * Minifloat.E4M3.greatest()));
      return unit == 0 ? 0 : unit * Minifloat.E4M3.round(largest / Minifloat.E2M1.greatest() / unit);
    }
  };

  private static final int SCALE_BITS = 8;

  private final int block;
  private final int matrixBits;

  Fp4(int block, int matrixBits) {
    this.block = block;
    this.matrixBits = matrixBits;
  }

  /**
   * A block's scale.
   *
   * @param largest absolute weight of the block, above 0
   * @param matrix largest absolute weight of the matrix
   */
  abstract double scale(double largest, double matrix);

  @Override
  public String method() {
    return name().toLowerCase(Locale.ROOT);
  }

  @Override
  public int bits() {
    return Minifloat.E2M1.bits();
  }

  @Override
  public int group() {
    return block;
  }

  @Override
  public long quantise(double[][] weights, Inputs inputs) {
    double matrix = Rows.largest(weights);
    for (double[] row : weights) {
      for (int from = 0; from < row.length; from += block) {
        round(row, from, Math.min(row.length, from + block), matrix);
      }
    }
    long blocks = (long) weights.length * Math.ceilDiv(weights[0].length, block);
    return blocks * (block * bits() + SCALE_BITS) + matrixBits;
  }

  private void round(double[] row, int from, int to, double matrix) {
    double largest = Rows.largest(row, from, to);
    double scale = largest == 0 ? 0 : scale(largest, matrix);
    if (scale == 0) {
      Arrays.fill(row, from, to, 0);
      return;
    }
    for (int i = from; i < to; i++) {
      row[i] = scale * Minifloat.E2M1.round(row[i] / scale);
    }
  }
}
