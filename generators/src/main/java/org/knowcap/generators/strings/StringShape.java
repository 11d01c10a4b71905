package org.knowcap.generators.strings;

import java.math.BigInteger;
import org.knowcap.generators.bits.Logarithms;

/**
 * The shape of random strings: S symbols, each drawn uniformly from V.
 *
 * @param length   S, 1..4096
 * @param alphabet V, 2..40,000
 */
public record StringShape(int length, int alphabet) {
  private static final int MOST_LENGTH = 4096;
  private static final int MOST_ALPHABET = 40_000;

  /** @throws IllegalArgumentException if a number is out of range */
  public StringShape {
    if (length < 1 || length > MOST_LENGTH) {
      throw new IllegalArgumentException("length (S) must be 1.." + MOST_LENGTH + ", found " + length);
    }
    if (alphabet < 2 || alphabet > MOST_ALPHABET) {
      throw new IllegalArgumentException("alphabet (V) must be 2.." + MOST_ALPHABET + ", found " + alphabet
          + (alphabet == 1 ? ": with one symbol there is one string, and nothing to know" : ""));
    }
  }

  /** H = S log2 V, the bits of one string. */
  public double bits() {
    return length * Logarithms.log2(alphabet);
  }

  /**
   * Checks a number of strings.
   *
   * @throws IllegalArgumentException unless M is 1 or more, and fewer than the V^S possible strings
   */
  void check(long strings) {
    BigInteger possible = BigInteger.valueOf(alphabet).pow(length);
    if (strings < 1 || possible.compareTo(BigInteger.valueOf(strings)) <= 0) {
      throw new IllegalArgumentException("strings (M) must be 1 or more, and fewer than the V^S = " + alphabet
          + "^" + length + " possible strings, found " + strings);
    }
  }
}
