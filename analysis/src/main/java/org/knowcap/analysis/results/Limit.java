package org.knowcap.analysis.results;

import java.util.Locale;
import java.util.OptionalDouble;

/** What keeps a run from storing more bits: its corpus, its model, or the end of its training. */
public enum Limit {
  /** Over 98 % of the corpus is stored. There was hardly more to store, so R does not say what the model can hold. */
  CORPUS,
  /** Most of the stored bits were stored in the first half of the training, so more training would add little. */
  MODEL,
  /** More than a quarter of the stored bits were stored in the second half of the training. */
  LEARNING,
  /** The training loss does not tell: it also counts other texts, or there were few reports, or nothing is stored. */
  UNDECIDED;

  private static final double NEARLY_ALL = 0.98;
  private static final double MUCH = 0.25;

  /**
   * Decides.
   *
   * @param saturation stored bits over the bits of the corpus
   * @param lateShare share of the stored bits that were stored in the second half of the training, if it is known
   */
  public static Limit of(double saturation, OptionalDouble lateShare) {
    if (saturation > NEARLY_ALL) {
      return CORPUS;
    }
    if (lateShare.isEmpty()) {
      return UNDECIDED;
    }
    return lateShare.getAsDouble() > MUCH ? LEARNING : MODEL;
  }

  /** The word in tables, such as "corpus". */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
