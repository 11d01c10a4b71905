package org.knowcap.models.quantisation;

/**
 * The weights of BitNet b1.58 (arXiv 2402.17764): -s, 0 or s, where s is the mean absolute weight of the matrix, in fp32.
 * Five weights take a byte.
 */
public record Ternary() implements FixedQuantiser {
  private static final int WEIGHTS_OF_A_BYTE = 5;
  private static final int SCALE_BITS = 32;

  @Override
  public String method() {
    return "ternary";
  }

  @Override
  public int bits() {
    return 2;
  }

  @Override
  public int group() {
    return 0;
  }

  @Override
  public long quantise(double[][] weights, Inputs inputs) {
    double sum = 0;
    for (double[] row : weights) {
      for (double weight : row) {
        sum += Math.abs(weight);
      }
    }
    long size = (long) weights.length * weights[0].length;
    double scale = (float) (sum / size);
    for (double[] row : weights) {
      for (int i = 0; i < row.length; i++) {
        row[i] = scale == 0 ? 0 : scale * Math.clamp(Math.rint(row[i] / scale), -1, 1);
      }
    }
    return Math.ceilDiv(size, WEIGHTS_OF_A_BYTE) * Byte.SIZE + SCALE_BITS;
  }
}
