package org.knowcap.models.quantisation;

/**
 * A floating-point format of at most 8 bits: a sign, exponent bits, mantissa bits. Exponent 0 has subnormal numbers, as
 * in IEEE 754. The 8-bit ones are those of OCP's specification OFP8 (arXiv 2209.05433), E2M1 is that of OCP's
 * Microscaling Formats 1.0.
 *
 * @param greatest its largest finite number
 */
record Minifloat(int exponentBits, int mantissaBits, int bias, double greatest) {
  /** No infinities; only all ones are not a number. */
  static final Minifloat E4M3 = new Minifloat(4, 3, 7, 448);
  /** Infinities and not-a-number as in IEEE 754. */
  static final Minifloat E5M2 = new Minifloat(5, 2, 15, 57344);
  /** All codes are finite: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives. */
  static final Minifloat E2M1 = new Minifloat(2, 1, 1, 6);

  int bits() {
    return 1 + exponentBits + mantissaBits;
  }

  /** The nearest number of the format, ties to an even mantissa; numbers beyond the largest become the largest. */
  double round(double value) {
    double size = Math.abs(value);
    if (size >= greatest) {
      return Math.copySign(greatest, value);
    }
    int exponent = Math.max(size == 0 ? Integer.MIN_VALUE : Math.getExponent(size), 1 - bias);
    double step = Math.scalb(1.0, exponent - mantissaBits);
    return Math.copySign(Math.min(greatest, Math.rint(size / step) * step), value);
  }
}
