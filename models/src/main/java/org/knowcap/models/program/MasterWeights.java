package org.knowcap.models.program;

/** What parameters are kept in from step to step. The optimiser's state is in fp32 with each. */
public enum MasterWeights {
  FP32,
  /** bf16: after each update every parameter is rounded to the nearest, ties to even. */
  BF16,
  /**
   * bf16 with stochastic rounding: up or down at random, so that the expected value is the exact one (Gupta and others, arXiv
   * 1502.02551). Random numbers depend only on the step and the parameter's place, so that an interrupted run repeats them.
   */
  BF16_STOCHASTIC;

  /** Bits of a parameter. */
  public int bits() {
    return this == FP32 ? 32 : 16;
  }

  /** A parameter as it is kept: a number of this type. */
  public float rounded(float exact, long step, long index) {
    int bits = Float.floatToRawIntBits(exact);
    return switch (this) {
      case FP32 -> exact;
      case BF16 -> Float.intBitsToFloat(bits + (bits >>> 16 & 1) + 0x7fff & 0xffff0000);
      case BF16_STOCHASTIC -> Float.intBitsToFloat(bits + noise(salt(step), (int) index) & 0xffff0000);
    };
  }

  /** What makes a step's random numbers differ from another's. */
  public static int salt(long step) {
    long z = (step + 1) * 0x9e3779b97f4a7c15L;
    z = (z ^ z >>> 32) * 0xd6e8feb86659fd93L;
    return (int) (z ^ z >>> 32);
  }

  /** A uniform number of 16 bits: the upper half of C. Wellons's hash "lowbias32". */
  private static int noise(int salt, int index) {
    int x = index ^ salt;
    x = (x ^ x >>> 16) * 0x7feb352d;
    x = (x ^ x >>> 15) * 0x846ca68b;
    return (x ^ x >>> 16) >>> 16;
  }
}
