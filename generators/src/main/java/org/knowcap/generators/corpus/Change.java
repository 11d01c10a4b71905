package org.knowcap.generators.corpus;

import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;

/** A revision as it comes upon so many individuals in a row: whom it changes. */
final class Change {
  private final Revision revision;
  private final long first;
  private final long count;
  /** Of the individuals; those that come first in it change. */
  private final KeyedPermutation order;
  private final CounterRandom random;

  /**
   * @param number of the revision among those of the source, so that not even two equal ones do the same
   * @throws IllegalArgumentException if nobody changes
   */
  Change(Revision revision, int number, long first, long people) {
    this.revision = revision;
    this.first = first;
    count = Math.round(revision.share() * people);
    if (count == 0) {
      throw new IllegalArgumentException(
          "a share of " + revision.share() + " of " + people + " people is nobody: nothing is revised");
    }
    random = Purpose.REVISIONS.random(revision.seed()).child(number);
    order = new KeyedPermutation(random.child(0), people);
  }

  boolean revises(Attribute attribute) {
    return revision.attributes().contains(attribute);
  }

  boolean changes(long individual) {
    return order.invert(0, individual - first) < count;
  }

  /** How many change. */
  long count() {
    return count;
  }

  /** Whoever is at a place of an order in which those who change come first. */
  long individual(long place) {
    return first + order.apply(0, place);
  }

  /** A seed for what the new values are drawn from. */
  long seed() {
    return random.bits(0);
  }

  /** A number of a stream for an individual, and for each attempt to draw something else than before. */
  static long counter(long individual, long attempt) {
    return (attempt << 40) + individual;
  }
}
