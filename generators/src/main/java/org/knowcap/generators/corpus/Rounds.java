package org.knowcap.generators.corpus;

import java.util.Optional;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;

/**
 * The order of people in a source's stream. Every round has as many items as there are people, in an order of its own: one about
 * each person, or by a {@link Skew} more about some.
 */
public final class Rounds {
  private final KeyedPermutation orders;
  private final long people;
  private final Optional<Skew> skew;

  /**
   * @param random what the orders are drawn from
   * @param people N, at least 1
   */
  public Rounds(CounterRandom random, long people) {
    this(random, people, Optional.empty());
  }

  /**
   * @param random what the orders are drawn from
   * @param people N, at least 1
   * @param skew of the people's exposures; absent where all have the same
   */
  public Rounds(CounterRandom random, long people, Optional<Skew> skew) {
    orders = new KeyedPermutation(random, people);
    this.people = people;
    this.skew = skew;
  }

  /** Why people have unequal exposures, if they do. */
  public Optional<Skew> skew() {
    return skew;
  }

  /** The share of all items that are about a person. */
  public double share(long person) {
    return skew.isPresent() ? skew.get().share(person) : 1.0 / people;
  }

  /** The number of the text that an item has of all texts about its person: each item about a person has another. */
  public long draw(long sequenceNumber) {
    long round = sequenceNumber / people;
    return skew.isPresent() ? skew.get().draw(round, orders.apply(round, sequenceNumber % people)) : round;
  }

  /** The person that an item is about, 0..N-1. */
  public long person(long sequenceNumber) {
    long round = sequenceNumber / people;
    long place = orders.apply(round, sequenceNumber % people);
    return skew.isPresent() ? skew.get().person(round, place) : place;
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
      long round = (first + at) / people;
      orders.apply(round, place, target, at, end);
      if (skew.isPresent()) {
        for (int i = at; i < end; i++) {
          target[i] = skew.get().person(round, target[i]);
        }
      }
      at = end;
    }
  }
}
