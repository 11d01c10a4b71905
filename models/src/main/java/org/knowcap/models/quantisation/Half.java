package org.knowcap.models.quantisation;

import org.knowcap.models.engine.RoundingException;

/** Numbers as 16-bit IEEE floating point keeps them. */
final class Half {
  static final int BITS = 16;

  private Half() {}

  /**
   * The nearest such number.
   *
   * @throws RoundingException beyond 65504, its largest
   */
  static double round(double value) {
    float rounded = Float.float16ToFloat(Float.floatToFloat16((float) value));
    if (!Float.isFinite(rounded)) {
      throw new RoundingException(
          "a weight or scale of " + value + " is beyond 16-bit floating point, whose largest is 65504");
    }
    return rounded;
  }
}
