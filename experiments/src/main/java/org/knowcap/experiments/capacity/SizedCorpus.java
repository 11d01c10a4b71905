package org.knowcap.experiments.capacity;

import java.util.List;
import java.util.Map;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.generators.bits.Logarithms;

/** A family of corpora that a search chooses a size from. All sizes have one vocabulary, so P does not depend on the size. */
public sealed interface SizedCorpus permits DenseCorpus, StringCorpus {
  /** Number of sizes. */
  int SIZES = 10;
  /** R^max of the smallest size. */
  double LEAST_RATIO = 0.5;

  /** R^max of a size of {@link #people()}. */
  static double ratio(int size) {
    return LEAST_RATIO * Math.pow(2, size / 2.0);
  }

  /** Index of the size whose R^max is nearest. */
  static int size(double ratio) {
    return (int) Math.round(2 * Logarithms.log2(ratio / LEAST_RATIO));
  }

  /** Sizes in question, ascending: numbers of people or of strings. R^max grows by the square root of two from one to the next. */
  List<Long> people();

  /** The key of the size under a study's 'corpus'. */
  String sizeKey();

  /** The settings under a study's 'corpus', without the size. */
  Map<String, Object> settings();

  /** Letters of the size and of what is searched for, such as N and R. */
  Letters letters();

  /** What the search makes as large as it can, bits per parameter. */
  double measured(RunResult run);

  /**
   * Letters in messages.
   *
   * @param size such as N, the number of people
   * @param measure such as R
   */
  record Letters(String size, String measure) {}
}
