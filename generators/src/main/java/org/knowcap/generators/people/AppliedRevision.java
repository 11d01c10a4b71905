package org.knowcap.generators.people;

import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.random.RandomStream;

/** A revision applied to a range of individuals: it determines which of them change. */
public final class AppliedRevision {
  private final Revision revision;
  private final long first;
  private final long count;
  /** An order of the individuals; the first {@code count} of them change. */
  private final KeyedPermutation order;
  private final CounterRandom random;

  /**
   * @param number of the revision among those of the source: two equal revisions change different individuals
   * @param first  the first individual
   * @param people the number of individuals
   * @throws IllegalArgumentException if nobody changes
   */
  public AppliedRevision(Revision revision, int number, long first, long people) {
    this.revision = revision;
    this.first = first;
    count = Math.round(revision.share() * people);
    if (count == 0) {
      throw new IllegalArgumentException(
          "a share of " + revision.share() + " of " + people + " people is nobody: nothing is revised");
    }
    random = RandomStream.REVISIONS.random(revision.seed()).child(number);
    order = new KeyedPermutation(random.child(0), people);
  }

  /** Whether an attribute gets other values. */
  public boolean revises(Attribute attribute) {
    return revision.attributes().contains(attribute);
  }

  /** Whether an individual changes. */
  public boolean changes(long individual) {
    return order.invert(0, individual - first) < count;
  }

  /** The number of individuals that change. */
  public long count() {
    return count;
  }

  /** The individual at a position of an order in which those that change come first. */
  public long individual(long position) {
    return first + order.apply(0, position);
  }

  /** The seed of the new values. */
  public long seed() {
    return random.bits(0);
  }

  /** The counter in a random stream for an individual, and for each attempt to draw another value. */
  public static long counter(long individual, long attempt) {
    return (attempt << 40) + individual;
  }
}
