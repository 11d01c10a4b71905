package org.knowcap.generators.corpus;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * How long the items of a source are and where they have name and values: from this follows what windows cut. All numbers
 * are expectations over the items of the stream; none is estimated from a sample of it.
 *
 * @param lengths     the probability of each number of tokens, the end-of-text token included
 * @param behindNames where a full name begins in the item, and the expected number of value tokens at each position after it
 * @param valueTokens the expected number of an item's value tokens, those before the name included
 */
public record ItemLayout(double[] lengths, Map<Integer, double[]> behindNames, double valueTokens) {
  private static final double SETTLED = 1e-13;

  /** The same items behind more tokens, such as a domain token. */
  public ItemLayout shifted(int by) {
    Map<Integer, double[]> shifted = new TreeMap<>();
    behindNames.forEach((name, values) -> shifted.put(name + by, shift(values, by)));
    return new ItemLayout(shift(lengths, by), shifted, valueTokens);
  }

  /** Puts so many zeros in front. */
  public static double[] shift(double[] numbers, int by) {
    double[] shifted = new double[numbers.length + by];
    System.arraycopy(numbers, 0, shifted, by, numbers.length);
    return shifted;
  }

  /** The distribution of the sum of two independent numbers; or what is expected at each position, after a random offset. */
  public static double[] convolve(double[] a, double[] b) {
    double[] sum = new double[Math.max(0, a.length + b.length - 1)];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; a[i] != 0 && j < b.length; j++) {
        sum[i + j] += a[i] * b[j];
      }
    }
    return sum;
  }

  /** {@code sum + weight * numbers}, as long as the longer. */
  public static double[] plus(double[] sum, double weight, double[] numbers) {
    double[] all = Arrays.copyOf(sum, Math.max(sum.length, numbers.length));
    for (int i = 0; i < numbers.length; i++) {
      all[i] += weight * numbers[i];
    }
    return all;
  }

  /** The expected number of an item's tokens. */
  public double meanLength() {
    return IntStream.range(0, lengths.length).mapToDouble(length -> length * lengths[length]).sum();
  }

  /** The share of the items that lie in one window, with all their tokens. */
  public double complete(Windows windows) {
    if (windows.packing() == Packing.WHOLE) {
      return 1;
    }
    int step = step(windows.length());
    double complete = 0;
    for (int length = 1; length < lengths.length; length++) {
      // Starts at 0, step, 2 step, ... of the window, each as often.
      int starts = length > windows.length() ? 0 : (windows.length() - length) / step + 1;
      complete += lengths[length] * starts * step / windows.length();
    }
    return complete;
  }

  /** The share of the value tokens that are trained with the whole name of their person before them in the window. */
  public double behindName(Windows windows) {
    int step = windows.packing() == Packing.WHOLE ? windows.length() : step(windows.length());
    double behind = 0;
    for (Map.Entry<Integer, double[]> each : behindNames.entrySet()) {
      int name = each.getKey();
      for (int position = name + 1; position < each.getValue().length; position++) {
        if (each.getValue()[position] > 0) {
          behind += each.getValue()[position] * together(name, position - 1, windows.length(), step);
        }
      }
    }
    return behind / valueTokens;
  }

  /** How often two positions of an item lie in one window, if items start at multiples of {@code step} in windows. */
  private static double together(int first, int last, int window, int step) {
    int together = 0;
    for (int start = 0; start < window; start += step) {
      together += (start + first) / window == (start + last) / window ? 1 : 0;
    }
    return (double) together * step / window;
  }

  /**
   * In the long run, items start equally often at every multiple of this in windows: of the greatest common divisor of the
   * window and all lengths, because sums of the lengths reach every such place.
   */
  private int step(int window) {
    BigInteger divisor = BigInteger.valueOf(window);
    for (int length = 1; length < lengths.length; length++) {
      divisor = lengths[length] > 0 ? divisor.gcd(BigInteger.valueOf(length)) : divisor;
    }
    return divisor.intValueExact();
  }

  /**
   * The expected number of items that a window takes from the source.
   *
   * @throws IllegalArgumentException if items are not to be cut and may be longer than a window
   */
  public double itemsPerWindow(Windows windows) {
    if (windows.packing() == Packing.STREAM) {
      return windows.length() / meanLength();
    }
    int longest = lengths.length - 1;
    if (longest > windows.length()) {
      throw new IllegalArgumentException("a text may have " + longest + " tokens, but a window has "
          + windows.length() + ": with 'packing: whole' no text is cut, so a window must hold the longest");
    }
    // The first item of a window is the one that the last window had no room for: a longer one, as a rule. Its distribution
    // is the one that a window leaves to the next as it found it.
    double[] first = lengths;
    while (true) {
      double[] filled = new double[windows.length() + 1];
      double[] next = new double[lengths.length];
      double items = 0;
      for (int at = 1; at <= windows.length(); at++) {
        filled[at] += at < first.length ? first[at] : 0;
        items += filled[at];
        for (int length = 1; filled[at] > 0 && length < lengths.length; length++) {
          if (at + length <= windows.length()) {
            filled[at + length] += filled[at] * lengths[length];
          } else {
            next[length] += filled[at] * lengths[length];
          }
        }
      }
      double[] before = first;
      if (IntStream.range(0, next.length).allMatch(i -> Math.abs(next[i] - before[i]) < SETTLED)) {
        return items;
      }
      // Half of the way: it settles also where windows alternate between two.
      first = plus(Arrays.stream(next).map(each -> each / 2).toArray(), 0.5, first);
    }
  }
}
