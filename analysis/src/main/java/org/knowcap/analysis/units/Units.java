package org.knowcap.analysis.units;

import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * Numbers as text, with their units: 1,024,000 parameters, 21.4 kbit, 1.93 bits per parameter, 98.2 %.
 */
public final class Units {
  private static final String[] PREFIXES = {"", "k", "M", "G", "T"};

  private Units() {}

  /** A count, exactly: {@code 121,408}. */
  public static String count(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  /** A round number, briefly, for ticks and labels: {@code 500}, {@code 20k}, {@code 1.5M}. */
  public static String brief(double number) {
    int power = power(number);
    return number(number / Math.pow(1000, power), 3) + PREFIXES[power];
  }

  /** A count, briefly where that loses nothing: {@code 50k}, {@code 1,600}, {@code 1.5M}, {@code 12,345}. */
  public static String label(long count) {
    String exact = Long.toString(count);
    return count >= 10_000 && exact.substring(3).chars().allMatch(digit -> digit == '0')
        ? brief(count)
        : count(count);
  }

  /** A p-value: {@code p = 0.012}, {@code p < 0.001}. */
  public static String pValue(double p) {
    return p < 0.001 ? "p < 0.001" : "p = " + number(p, 2);
  }

  /** Bits to three digits: {@code 21.4 kbit}, {@code -3.2 bit}. */
  public static String bits(double bits) {
    int power = power(bits);
    return digits(bits / Math.pow(1000, power), 3) + " " + PREFIXES[power] + "bit";
  }

  /** As {@link #bits}, with its standard error; without one where the error is 0. */
  public static String bits(double bits, double standardError) {
    if (standardError == 0) {
      return bits(bits);
    }
    int power = power(bits);
    double unit = Math.pow(1000, power);
    return measured(bits / unit, standardError / unit) + " " + PREFIXES[power] + "bit";
  }

  /** One unit for all numbers of a column: {@code kbit}, with {@code 21.4 ± 0.1}. */
  public record Scale(String unit, double size) {
    private static final int MOST_DECIMALS = 3;

    /** Three digits in this unit, but at most three decimals, with the standard error; without one where the error is 0. */
    public String number(double value, double standardError) {
      double number = value / size;
      double error = standardError / size;
      int decimals = Math.min(MOST_DECIMALS, decimals(number, 3));
      return measured(number, error,
          error == 0
              ? decimals
              : Math.clamp(decimals(error, 1), decimals, Math.min(MOST_DECIMALS, decimals + 2)));
    }
  }

  /** The unit of bits in which the median of these numbers has one to three digits before its point. */
  public static Scale bitScale(DoubleStream bits) {
    double[] sorted = bits.map(Math::abs).sorted().toArray();
    int power = sorted.length == 0 ? 0 : power(sorted[sorted.length / 2]);
    return new Scale(PREFIXES[power] + "bit", Math.pow(1000, power));
  }

  /** The unit of time, seconds, minutes or hours, of which the longest of these times has two at least. */
  public static Scale timeScale(DoubleStream seconds) {
    double longest = seconds.max().orElse(0);
    return longest < 120 ? new Scale("s", 1) : longest < 7200 ? new Scale("min", 60) : new Scale("h", 3600);
  }

  /** A quantity to {@code decimals} places with its standard error; without one where the error is 0. */
  public static String measured(double value, double standardError, int decimals) {
    return fixed(value, decimals) + (standardError == 0 ? "" : error(standardError, decimals));
  }

  /** Three significant digits without a prefix, for ratios: {@code 1.93}, {@code 0.0821}. */
  public static String ratio(double ratio) {
    return digits(ratio, 3);
  }

  /** As {@link #ratio}, with its standard error; without one where the error is 0. */
  public static String ratio(double ratio, double standardError) {
    return standardError == 0 ? ratio(ratio) : measured(ratio, standardError);
  }

  /** A fraction as a percentage with one decimal: {@code 98.2 %}. */
  public static String percent(double fraction) {
    return fixed(100 * fraction, 1) + " %";
  }

  /** A time: {@code 4.2 s}, {@code 3 min 20 s}, {@code 2 h 5 min}. */
  public static String seconds(double seconds) {
    long whole = Math.round(seconds);
    if (whole < 60) {
      return fixed(seconds, 1) + " s";
    }
    return whole < 3600
        ? whole / 60 + " min " + whole % 60 + " s"
        : whole / 3600 + " h " + whole % 3600 / 60 + " min";
  }

  /** A number with the digits it needs, at most {@code digits} significant ones: {@code 0.25}, {@code 2}. */
  public static String number(double number, int digits) {
    String text = digits(number, digits);
    return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
  }

  /**
   * Three digits of the value and one of its error, whichever takes more decimals; but two more than the
   * value's.
   */
  private static String measured(double value, double standardError) {
    int decimals = decimals(value, 3);
    return measured(value, standardError, Math.clamp(decimals(standardError, 1), decimals, decimals + 2));
  }

  /** An error that is too small for the last decimal is shown as below it, not as 0. */
  private static String error(double standardError, int decimals) {
    double least = Math.pow(10, -decimals);
    return standardError < least / 2
        ? " ± <" + fixed(least, decimals)
        : " ± " + fixed(standardError, decimals);
  }

  private static String digits(double number, int digits) {
    return fixed(number, decimals(number, digits));
  }

  /** Decimals that show {@code number} to so many significant digits; rounding to 10 counts as 10. */
  private static int decimals(double number, int digits) {
    if (number == 0) {
      return 0;
    }
    double magnitude = Math.abs(number);
    int decimals = digits - 1 - (int) Math.floor(Math.log10(magnitude));
    double rounded = Math.rint(magnitude * Math.pow(10, decimals)) / Math.pow(10, decimals);
    return Math.clamp(digits - 1 - (int) Math.floor(Math.log10(rounded) + 1e-12), 0, 12);
  }

  private static String fixed(double number, int decimals) {
    String text = String.format(Locale.ROOT, "%." + decimals + "f", number);
    // No "-0.0": nothing is left of the sign when nothing is left of the number.
    return text.matches("-0(\\.0*)?") ? text.substring(1) : text;
  }

  private static int power(double number) {
    // 999,999 is 1.00 M to three digits, not 1000 k.
    double magnitude = Math.abs(number) * 1.0005;
    return magnitude < 1000 ? 0 : Math.min((int) (Math.log10(magnitude) / 3), PREFIXES.length - 1);
  }
}
