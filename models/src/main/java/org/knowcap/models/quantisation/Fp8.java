package org.knowcap.models.quantisation;

import java.util.Locale;

/**
 * 8-bit floating point of OCP's specification OFP8 (arXiv 2209.05433), rounded to nearest even. A matrix has an fp32
 * scale, with which its largest absolute weight becomes the format's largest number.
 */
public enum Fp8 implements FixedQuantiser {
  /** 4 bits of exponent, 3 of mantissa: numbers up to 448. */
  FP8_E4M3(Minifloat.E4M3),
  /** 5 bits of exponent, 2 of mantissa: numbers up to 57344. */
  FP8_E5M2(Minifloat.E5M2);

  private static final int SCALE_BITS = 32;

  private final Minifloat element;

  Fp8(Minifloat element) {
    this.element = element;
  }

  @Override
  public String method() {
    return name().toLowerCase(Locale.ROOT);
  }

  @Override
  public int bits() {
    return element.bits();
  }

  @Override
  public int group() {
    return 0;
  }

  @Override
  public long quantise(double[][] weights, Inputs inputs) {
    double scale = (float) (Rows.largest(weights) / element.greatest());
    for (double[] row : weights) {
      for (int i = 0; i < row.length; i++) {
        row[i] = scale == 0 ? 0 : scale * element.round(row[i] / scale);
      }
    }
    return (long) weights.length * weights[0].length * bits() + SCALE_BITS;
  }
}
