package org.knowcap.generators.corpus;

import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;

/**
 * Unequal exposures by Zipf's law: the person of rank k has the share k^-a / H of all items, where H is the sum of all k^-a.
 * Which person has which rank is random. Each round has as many items as there are people. They are spread over the ranks evenly (systematic
 * sampling): a round has a share's whole number of items or one more, and over rounds the rests add up to the exact share within a
 * few items.
 */
public final class Skew {
  /** The table of shares is kept in memory. */
  public static final long MOST_PEOPLE = 10_000_000;
  public static final double MOST_EXPONENT = 10;
  /** The golden ratio's fraction: multiples of it are spread evenly over 0 to 1. */
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final double exponent;
  private final KeyedPermutation ranks;
  /** [N + 1]: the sum of the shares of all ranks below. */
  private final double[] below;

  /**
   * @param random what the ranks are drawn from
   * @param people N
   * @param exponent a
   * @throws IllegalArgumentException if there are too many people, or the exponent is not above 0 and at most 10
   */
  public Skew(CounterRandom random, long people, double exponent) {
    if (!(exponent > 0 && exponent <= MOST_EXPONENT)) {
      throw new IllegalArgumentException("the exponent of Zipf's law must be above 0 and at most "
          + (int) MOST_EXPONENT + ", found " + exponent);
    }
    if (people > MOST_PEOPLE) {
      throw new IllegalArgumentException(
          "unequal exposures are for at most " + MOST_PEOPLE + " people, found " + people);
    }
    this.exponent = exponent;
    ranks = new KeyedPermutation(random, people);
    below = new double[(int) people + 1];
    double sum = 0;
    for (int rank = 0; rank < people; rank++) {
      sum += Math.pow(rank + 1, -exponent);
      below[rank + 1] = sum;
    }
    for (int rank = 1; rank <= people; rank++) {
      below[rank] /= sum;
    }
  }

  /** a. */
  public double exponent() {
    return exponent;
  }

  /** The share of all items that are about a person. */
  public double share(long person) {
    int rank = (int) ranks.invert(0, person);
    return below[rank + 1] - below[rank];
  }

  /**
   * The person whom an item is about.
   *
   * @param place in its round, before the round is put into an order
   */
  long person(long round, long place) {
    return ranks.apply(0, rank(round, place));
  }

  /** The number of a person's text: other items about the person have others. */
  long draw(long round, long place) {
    int rank = rank(round, place);
    long first = (long) Math.ceil(below[rank] * people() - offset(round));
    return round * mostCopies() + place - Math.max(0, first);
  }

  private long people() {
    return below.length - 1L;
  }

  /** An upper bound on how often a round has one person. */
  private long mostCopies() {
    return (long) (below[1] * people()) + 2;
  }

  /** From 0 to 1: where in the first item's interval of shares a round looks. */
  private static double offset(long round) {
    return ((round + 1) * GOLDEN >>> 11) * 0x1p-53;
  }

  private int rank(long round, long place) {
    double at = (place + offset(round)) / people();
    int low = 0;
    int high = below.length - 1;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (below[middle] <= at) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
