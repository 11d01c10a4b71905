package org.knowcap.models.quantisation;

import java.util.stream.IntStream;

/**
 * The weights of LLM.int8() (Dettmers and others, arXiv 2208.07339, section 3): inputs whose absolute value reaches
 * 6 in some calibration row are outliers, and their weights stay in 16 bits. The other weights have codes -127..127,
 * and each output has a 16-bit scale: its largest absolute weight, divided by 127. The paper also rounds the inputs
 * when a model runs; here only weights are rounded.
 */
public record Int8WithOutliers() implements Quantiser {
  private static final float OUTLIER = 6;
  private static final int TOP = 127;

  @Override
  public String method() {
    return "llmint8";
  }

  @Override
  public int bits() {
    return 8;
  }

  @Override
  public int group() {
    return 0;
  }

  @Override
  public boolean calibrated() {
    return true;
  }

  @Override
  public String label() {
    return "llmint8";
  }

  @Override
  public long quantise(double[][] weights, Inputs inputs) {
    int width = weights[0].length;
    boolean[] outlier = outliers(width, inputs);
    for (double[] row : weights) {
      double greatest = IntStream.range(0, width)
          .filter(i -> !outlier[i])
          .mapToDouble(i -> Math.abs(row[i]))
          .max()
          .orElse(0);
      double scale = Half.round(greatest / TOP);
      for (int i = 0; i < width; i++) {
        row[i] = outlier[i] ? Half.round(row[i]) : round(row[i], scale);
      }
    }
    long outliers = IntStream.range(0, width).filter(i -> outlier[i]).count();
    // A bit for each input says whether it is an outlier.
    return weights.length * ((width - outliers) * bits() + outliers * Half.BITS + Half.BITS) + width;
  }

  private static double round(double weight, double scale) {
    return scale == 0 ? 0 : scale * Math.clamp(Math.rint(weight / scale), -TOP, TOP);
  }

  private static boolean[] outliers(int width, Inputs inputs) {
    boolean[] outlier = new boolean[width];
    inputs.forEach(row -> {
      for (int i = 0; i < width; i++) {
        outlier[i] |= Math.abs(row[i]) >= OUTLIER;
      }
    });
    return outlier;
  }
}
