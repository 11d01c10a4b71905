package org.knowcap.generators.corpus;

import java.util.OptionalInt;

/** Which person each item of a stream is about, by an {@link Exposure}. */
sealed interface Turns permits Skew, WarmUpTurns, PrunedTurns, SpacedTurns, SuccessiveTurns {
  /** The person that an item is about, 0..N-1. */
  long person(long item);

  /** The number of the text that an item has: other items about its person have others. */
  long draw(long item);

  /** The share of all items that are expected to be about a person. */
  double share(long person);

  /** The number of a person's group or cohort, from 0; empty where there are none. */
  OptionalInt group(long person);
}
