package org.knowcap.experiments.study;

import java.util.Map;

/**
 * How often training shows each person.
 *
 * @param count    at least 1
 * @param complete whether only biographies count that lie in one window, as in the paper; otherwise all of a person's tokens
 *                 count, wherever windows cut them
 */
public record Exposures(long count, boolean complete) {
  static final String COMPLETE = "complete";

  /** Exposures that count all tokens. */
  public static Exposures of(long count) {
    return new Exposures(count, false);
  }

  /** As {@code run.json} says it, and a study. */
  Object setting() {
    return complete ? Map.of(COMPLETE, count) : count;
  }

  /** Such as "e1000", or "e1000c" of complete ones. */
  String label() {
    return "e" + count + (complete ? "c" : "");
  }
}
