package org.knowcap.generators.corpus;

import java.util.Optional;
import java.util.OptionalInt;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;

/**
 * The order of people in a source's stream. Every round has as many items as there are people, in an order of its own: one about
 * each person. An {@link Exposure} has them otherwise.
 */
public final class Rounds {
  private final KeyedPermutation orders;
  private final long people;
  private final Optional<Exposure> exposure;
  private final Optional<Turns> turns;

  /**
   * @param random what the orders are drawn from
   * @param people N, at least 1
   */
  public Rounds(CounterRandom random, long people) {
    orders = new KeyedPermutation(random, people);
    this.people = people;
    exposure = Optional.empty();
    turns = Optional.empty();
  }

  /**
   * @param draw what the orders are drawn from
   * @param exposure how often people occur, and when
   * @throws IllegalArgumentException if so many people, or so many exposures, cannot occur like that
   */
  public Rounds(Exposure.Draw draw, Exposure exposure) {
    orders = new KeyedPermutation(draw.orders(), draw.people());
    people = draw.people();
    this.exposure = Optional.of(exposure);
    turns = Optional.of(exposure.turns(draw));
  }

  /** How often people occur and when, if it is not everybody once in each round. */
  public Optional<Exposure> exposure() {
    return exposure;
  }

  /** N. */
  public long people() {
    return people;
  }

  /** The share of all items that are about a person. */
  public double share(long person) {
    return turns.isPresent() ? turns.get().share(person) : 1.0 / people;
  }

  /** The number of a person's group or cohort, from 0; empty where people are not in groups. */
  public OptionalInt group(long person) {
    return turns.isPresent() ? turns.get().group(person) : OptionalInt.empty();
  }

  /** The number of the text that an item has of all texts about its person: each item about a person has another. */
  public long draw(long sequenceNumber) {
    return turns.isPresent() ? turns.get().draw(sequenceNumber) : sequenceNumber / people;
  }

  /** The person that an item is about, 0..N-1. */
  public long person(long sequenceNumber) {
    return turns.isPresent()
        ? turns.get().person(sequenceNumber)
        : orders.apply(sequenceNumber / people, sequenceNumber % people);
  }

  /**
   * Finds the persons of consecutive items, which is faster than one call for each.
   *
   * @param first  number of the first item
   * @param target receives the person of item {@code first + i} at index i
   */
  public void persons(long first, long[] target) {
    if (turns.isPresent()) {
      for (int i = 0; i < target.length; i++) {
        target[i] = turns.get().person(first + i);
      }
      return;
    }
    for (int at = 0; at < target.length;) {
      long place = (first + at) % people;
      int end = (int) Math.min(target.length, at + people - place);
      orders.apply((first + at) / people, place, target, at, end);
      at = end;
    }
  }
}
