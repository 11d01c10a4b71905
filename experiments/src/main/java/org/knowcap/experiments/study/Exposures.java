package org.knowcap.experiments.study;

import java.util.Map;

/**
 * How often training shows each person.
 *
 * @param count    at least 1
 * @param complete whether only biographies count that lie in one window, as in the paper; otherwise all tokens about
 *        a person count, even if windows cut biographies
 */
public record Exposures(long count, boolean complete) {
  static final String COMPLETE = "complete";

  /** Exposures that count all tokens. */
  public static Exposures of(long count) {
    return new Exposures(count, false);
  }

  /** The value in {@code run.json} and in a study. */
  Object setting() {
    return complete ? Map.of(COMPLETE, count) : count;
  }

  /** The part of a run's name, such as "e1000", or "e1000c" for complete exposures. */
  String label() {
    return "e" + count + (complete ? "c" : "");
  }
}
