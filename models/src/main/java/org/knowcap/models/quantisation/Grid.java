package org.knowcap.models.quantisation;

/**
 * The 2^b evenly spaced numbers that b-bit codes stand for: w = scale (code - zero), code = 0..2^b - 1. Zero is one
 * of these numbers. The smallest weight of the group has code 0; if all weights are positive, zero has code 0.
 *
 * @param scale between neighbours, a 16-bit floating-point number; 0 where all weights are 0
 * @param zero code of zero, 0..2^b - 1
 * @param top 2^b - 1
 */
record Grid(double scale, int zero, int top) {
  /** The grid that spans weights {@code from} to {@code to}, exclusive. */
  static Grid over(double[] weights, int from, int to, int bits) {
    double least = 0;
    double greatest = 0;
    for (int i = from; i < to; i++) {
      least = Math.min(least, weights[i]);
      greatest = Math.max(greatest, weights[i]);
    }
    int top = (1 << bits) - 1;
    double scale = Half.round((greatest - least) / top);
    return new Grid(scale, scale == 0 ? 0 : (int) Math.clamp(Math.rint(-least / scale), 0, top), top);
  }

  /** The nearest number of the grid. */
  double round(double weight) {
    return scale == 0 ? 0 : scale * (Math.clamp(Math.rint(weight / scale) + zero, 0, top) - zero);
  }

  /** Bits of one grid: its scale, and the code of its zero. */
  static int storage(int bits) {
    return Half.BITS + bits;
  }

  /** Groups of a row of weights; the last may be smaller. */
  static int groups(int inputs, int group) {
    return Math.ceilDiv(inputs, group);
  }

  /** @throws IllegalArgumentException for a number of bits or a group that does not exist */
  static void require(int bits, int group) {
    if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
      throw new IllegalArgumentException("bits must be 8, 4, 3 or 2, found " + bits);
    }
    requireGroup(group);
  }

  static void requireGroup(int group) {
    if (group < 1) {
      throw new IllegalArgumentException("a group must have at least 1 weight, found " + group);
    }
  }
}
