package org.knowcap.analysis.law;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The difference of two arms in one setting, in which runs of equal seeds are pairs.
 *
 * @param setting the setting that the two arms have in common
 * @param a cell of the first arm, for people
 * @param b cell of the second arm
 * @param pairs runs of equal seeds
 * @param ratioA mean R of the first arm over the pairs, bits per parameter
 * @param ratioB mean R of the second
 * @param difference mean of R of the first less R of the second
 * @param factor geometric mean of R of the first over R of the second; absent where an arm stores no bits
 * @param pValue of the paired t-test, two-sided; absent where the difference has no interval
 * @param correctedPValue by Holm's method over all settings of the comparison
 * @param equivalencePValue of two one-sided t-tests that the difference lies within the margin, by Holm's method
 *        over all settings; absent without margin or interval
 * @param leastDetectable true difference that the comparison would have shown in four of five studies, if it were
 *        the only one: of the t-test at 5 % over the number of settings, the first of Holm's levels
 * @param limitedBy what limits the runs of both arms
 * @param caveats whole sentences that say what a verdict does not say, or why there is no verdict
 * @param verdict the conclusion
 */
public record ArmDifference(String setting, String a, String b, int pairs, double ratioA, double ratioB,
    Estimate difference, Optional<Estimate> factor, OptionalDouble pValue, OptionalDouble correctedPValue,
    OptionalDouble equivalencePValue, OptionalDouble leastDetectable, String limitedBy, List<String> caveats,
    Verdict verdict) {

  /** Share of studies that show a difference of the least detectable size. */
  private static final double POWER = 0.8;

  /** The conclusion from a difference. */
  public enum Verdict {
    /** The first arm stores more. */
    MORE,
    /** The first arm stores less. */
    LESS,
    /** The difference lies within the stated margin. */
    EQUIVALENT,
    /** Neither a difference nor equivalence is shown. */
    UNDECIDED,
    /** There are too few pairs, they do not vary, or the corpus limits an arm. */
    NO_VERDICT;

    /** The verdict in words, such as "no verdict". */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  /**
   * With its verdict.
   *
   * @param tests number of tests in the comparison, which Holm's method corrects for
   */
  ArmDifference decided(OptionalDouble corrected, OptionalDouble equivalence, long tests) {
    double level = 1 - Estimate.CONFIDENCE;
    OptionalDouble detectable = pValue.isEmpty()
        ? leastDetectable
        : OptionalDouble
            .of(difference.standardError(pairs - 1.0) * Power.effect(POWER, pairs - 1.0, level / tests));
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
        equivalence, detectable, limitedBy, caveats, verdict);
  }
}
