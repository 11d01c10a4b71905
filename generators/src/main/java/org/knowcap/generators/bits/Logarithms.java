package org.knowcap.generators.bits;

import java.util.List;
import java.util.stream.Collectors;

/** Logarithms to base 2, also of numbers that are too large for a number type. */
public final class Logarithms {
  private static final double LN2 = Math.log(2);
  /** Up to this many factors are summed one by one. */
  private static final long FEW = 1 << 20;

  private Logarithms() {}

  /** log2 of a number. */
  public static double log2(double x) {
    return Math.log(x) / LN2;
  }

  /**
   * log2 of the number of ways to choose k of n things.
   *
   * @param log2n log2 of n, which may be above the range of a long
   * @param k     0..n
   */
  public static double log2Choose(double log2n, long k) {
    double n = Math.rint(Math.pow(2, log2n));
    if (n - k < k) { // As many ways as to choose those that are left out: exactly one if all are chosen.
      return log2Choose(log2n, (long) (n - k));
    }
    if (k > FEW) {
      return (lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k)) / LN2;
    }
    // ln((n - i) / (i + 1)), without n itself: 2^log2n may overflow, and then i / n is 0.
    double sum = 0;
    for (long i = 0; i < k; i++) {
      sum += Math.log1p(-(i / n)) - Math.log(i + 1);
    }
    return k * log2n + sum / LN2;
  }

  /** Stirling's series; its error is below 1e-12 from 256 on. */
  private static double lnFactorial(double n) {
    if (n < 256) {
      double sum = 0;
      for (int i = 2; i <= n; i++) {
        sum += Math.log(i);
      }
      return sum;
    }
    return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n * n * n);
  }

  /** The entropy, in bits, of an entry that is drawn uniformly from a list; entries may be equal. */
  public static double entropy(List<String> entries) {
    return entries.stream()
        .collect(Collectors.groupingBy(entry -> entry, Collectors.counting()))
        .values()
        .stream()
        .mapToDouble(count -> count * log2((double) entries.size() / count) / entries.size())
        .sum();
  }
}
