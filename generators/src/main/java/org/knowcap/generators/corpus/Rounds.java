package org.knowcap.generators.corpus;

import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;

/** The order of people in a source's stream: every round has each person once, in an order of its own. */
public final class Rounds {
  private final KeyedPermutation orders;
  private final long people;

  /**
   * @param random what the orders are drawn from
   * @param people N, at least 1
   */
  public Rounds(CounterRandom random, long people) {
    orders = new KeyedPermutation(random, people);
    this.people = people;
  }

  /** The person that an item is about, 0..N-1. */
  public long person(long sequenceNumber) {
    return orders.apply(sequenceNumber / people, sequenceNumber % people);
  }

  /**
   * Finds the persons of consecutive items, which is faster than one call for each.
   *
   * @param first  number of the first item
   * @param target receives the person of item {@code first + i} at index i
   */
  public void persons(long first, long[] target) {
    for (int at = 0; at < target.length;) {
      long place = (first + at) % people;
      int end = (int) Math.min(target.length, at + people - place);
      orders.apply((first + at) / people, place, target, at, end);
      at = end;
    }
  }
}
