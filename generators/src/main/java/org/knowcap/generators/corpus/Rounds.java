package org.knowcap.generators.corpus;

import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;

/** Whom the items of a training stream are about: in each round everybody once, in an order of its own. */
public final class Rounds {
  private final KeyedPermutation orders;
  private final long people;

  public Rounds(CounterRandom random, long people) {
    orders = new KeyedPermutation(random, people);
    this.people = people;
  }

  public long person(long sequenceNumber) {
    return orders.apply(sequenceNumber / people, sequenceNumber % people);
  }

  /** Whom the items from number {@code first} on are about. */
  public void persons(long first, long[] target) {
    for (int at = 0; at < target.length;) {
      long place = (first + at) % people;
      int end = (int) Math.min(target.length, at + people - place);
      orders.apply((first + at) / people, place, target, at, end);
      at = end;
    }
  }
}
