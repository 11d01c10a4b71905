package org.knowcap.generators.biod;

import java.math.BigInteger;
import org.knowcap.generators.bits.Logarithms;

/**
 * The shape of bioD's values: each of K attributes has D strings of L symbols, and a value is C of them. The
 * upper ends of the ranges are the paper's.
 *
 * @param attributes K, 1..50
 * @param chunks     C, 1..50
 * @param diversity  D, 1..10,000 and at most T^L
 * @param length     L, 1..50
 * @param alphabet   T, 1..40,000
 */
public record BioDShape(int attributes, int chunks, int diversity, int length, int alphabet) {

  /** @throws IllegalArgumentException if a number is out of range */
  public BioDShape {
    check("attributes (K)", attributes, 50);
    check("chunks (C)", chunks, 50);
    check("diversity (D)", diversity, 10_000);
    check("length (L)", length, 50);
    check("alphabet (T)", alphabet, 40_000);
    BigInteger strings = BigInteger.valueOf(alphabet).pow(length);
    if (strings.compareTo(BigInteger.valueOf(diversity)) < 0) {
      throw new IllegalArgumentException("diversity (D) must be at most T^L = " + alphabet + "^" + length
          + " = " + strings + ", found " + diversity + ": there are no more strings");
    }
  }

  /** log2(T^L). */
  double stringBits() {
    return length * Logarithms.log2(alphabet);
  }

  private static void check(String what, int value, int most) {
    if (value < 1 || value > most) {
      throw new IllegalArgumentException(what + " must be 1.." + most + ", found " + value);
    }
  }
}
