package org.knowcap.analysis.law;

import java.util.Locale;
import java.util.OptionalDouble;

/**
 * How two arms of a comparison differ in one setting: runs of equal seeds are pairs.
 *
 * @param setting what the two have in common
 * @param a cell of the first arm, for people
 * @param b cell of the second arm
 * @param pairs runs of equal seeds
 * @param ratioA mean R of the first arm over the pairs, bits per parameter
 * @param ratioB mean R of the second
 * @param difference mean of R of the first less R of the second
 * @param factor geometric mean of R of the first over R of the second; without an interval where one stores nothing
 * @param pValue of the paired t-test, two-sided; absent where the difference has no interval
 * @param correctedPValue by Holm's method over all settings of the comparison
 * @param equivalencePValue of two one-sided t-tests that the difference lies within the margin, by Holm's method over all
 *        settings; absent without margin or interval
 * @param leastDetectable true difference that such pairs would have shown in four of five studies
 * @param limitedBy what limits the runs of both
 * @param verdict what follows
 */
public record ArmDifference(String setting, String a, String b, int pairs, double ratioA, double ratioB,
    Estimate difference, Estimate factor, OptionalDouble pValue, OptionalDouble correctedPValue,
    OptionalDouble equivalencePValue, OptionalDouble leastDetectable, String limitedBy, Verdict verdict) {

  /** What follows from a difference. */
  public enum Verdict {
    /** The first arm stores more. */
    MORE,
    /** The first arm stores less. */
    LESS,
    /** The difference lies within the stated margin. */
    EQUIVALENT,
    /** Neither a difference nor equivalence is shown. */
    UNDECIDED,
    /** There are too few pairs, or they do not vary. */
    NO_VERDICT;

    /** For people: such as "no verdict". */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  ArmDifference decided(OptionalDouble corrected, OptionalDouble equivalence) {
    double level = 1 - Estimate.CONFIDENCE;
    Verdict verdict;
    if (corrected.isEmpty()) {
      verdict = Verdict.NO_VERDICT;
    } else if (equivalence.isPresent() && equivalence.getAsDouble() < level) {
      // A difference may be certain and yet within the margin: then it is too small to matter.
      verdict = Verdict.EQUIVALENT;
    } else if (corrected.getAsDouble() < level) {
      verdict = difference.value() > 0 ? Verdict.MORE : Verdict.LESS;
    } else {
      verdict = Verdict.UNDECIDED;
    }
    return new ArmDifference(setting, a, b, pairs, ratioA, ratioB, difference, factor, pValue, corrected,
        equivalence, leastDetectable, limitedBy, verdict);
  }
}
