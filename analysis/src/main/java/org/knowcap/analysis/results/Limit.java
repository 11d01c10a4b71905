package org.knowcap.analysis.results;

import java.util.Locale;
import java.util.OptionalDouble;

/**
 * What keeps a run from storing more bits: its corpus, its model, or the end of its training.
 *
 * <p>How near the corpus is to being the limit is told by the saturation alone: a corpus is full where over 98 % of it are
 * stored, and in the grey zone where it is 90 to 98 %. R of a run in the grey zone is close to the most that its corpus
 * offers, so that no capacity is read from it, though its label says whether it was still learning.
 */
public enum Limit {
  /** The corpus is full: there was hardly more to store, so R does not say what the model can hold. */
  CORPUS,
  /** Most of the stored bits were stored in the first half of the training, so more training would add little. */
  MODEL,
  /** More than a quarter of the stored bits were stored in the second half of the training. */
  LEARNING,
  /** The training loss does not tell: it also counts other texts, or there were few reports, or nothing is stored. */
  UNDECIDED;

  private static final double FULL = 0.98;
  private static final double GREY = 0.9;
  private static final double MUCH = 0.25;

  /**
   * Decides.
   *
   * @param saturation stored bits over the bits of the corpus
   * @param lateShare share of the stored bits that were stored in the second half of the training, if it is known
   */
  public static Limit of(double saturation, OptionalDouble lateShare) {
    if (saturation > FULL) {
      return CORPUS;
    }
    if (lateShare.isEmpty()) {
      return UNDECIDED;
    }
    return lateShare.getAsDouble() > MUCH ? LEARNING : MODEL;
  }

  /** Whether the corpus may be the limit: it is full or in the grey zone. */
  public static boolean mayBeCorpus(double saturation) {
    return saturation > GREY;
  }

  /** The word in tables, such as "corpus". */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
