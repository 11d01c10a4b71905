package org.knowcap.generators.people;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.random.RandomStream;

/** A revision as it comes upon so many individuals in a row: whom it changes. */
public final class AppliedRevision {
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

  public boolean revises(Attribute attribute) {
    return revision.attributes().contains(attribute);
  }

  public boolean changes(long individual) {
    return order.invert(0, individual - first) < count;
  }

  /** How many change. */
  public long count() {
    return count;
  }

  /** Whoever is at a place of an order in which those who change come first. */
  public long individual(long place) {
    return first + order.apply(0, place);
  }

  /** A seed for what the new values are drawn from. */
  public long seed() {
    return random.bits(0);
  }

  /** A number of a stream for an individual, and for each attempt to draw something else than before. */
  public static long counter(long individual, long attempt) {
    return (attempt << 40) + individual;
  }
}
