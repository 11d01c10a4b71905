package org.knowcap.generators.corpus;

import java.util.Arrays;
import java.util.OptionalInt;
import org.knowcap.generators.random.KeyedPermutation;

/**
 * Each rank of people has a share of all items. Each round has as many items as there are people. They are spread over the ranks
 * evenly (systematic sampling): a round has a share's whole number of items or one more, and over rounds the rests add up to the
 * exact share within a few items.
 */
final class Skew implements Turns {
  /** The golden ratio's fraction: multiples of it are spread evenly over 0 to 1. */
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final KeyedPermutation ranks;
  private final KeyedPermutation orders;
  /** [N + 1]: the sum of the shares of all ranks below. */
  private final double[] below;
  /** The end of each group's ranks; empty where there are no groups. */
  private final int[] groupEnds;
  /** An upper bound on how often a round has one person. */
  private final long mostCopies;

  /** @param weights of the ranks, [N] */
  Skew(Exposure.Draw draw, double[] weights, int[] groupEnds) {
    ranks = new KeyedPermutation(draw.ranks(), draw.people());
    orders = new KeyedPermutation(draw.orders(), draw.people());
    this.groupEnds = groupEnds;
    below = new double[weights.length + 1];
    double sum = 0;
    for (int rank = 0; rank < weights.length; rank++) {
      sum += weights[rank];
      below[rank + 1] = sum;
    }
    double most = 0;
    for (int rank = 1; rank < below.length; rank++) {
      below[rank] /= sum;
      most = Math.max(most, below[rank] - below[rank - 1]);
    }
    mostCopies = (long) (most * people()) + 2;
  }

  private long people() {
    return below.length - 1L;
  }

  @Override
  public double share(long person) {
    int rank = rankOf(person);
    return below[rank + 1] - below[rank];
  }

  @Override
  public OptionalInt group(long person) {
    if (groupEnds.length == 0) {
      return OptionalInt.empty();
    }
    int found = Arrays.binarySearch(groupEnds, rankOf(person));
    return OptionalInt.of(found >= 0 ? found + 1 : -found - 1);
  }

  private int rankOf(long person) {
    return (int) ranks.invert(0, person);
  }

  @Override
  public long person(long item) {
    long round = item / people();
    return ranks.apply(0, rank(round, orders.apply(round, item % people())));
  }

  @Override
  public long draw(long item) {
    long round = item / people();
    long place = orders.apply(round, item % people());
    int rank = rank(round, place);
    long first = (long) Math.ceil(below[rank] * people() - offset(round));
    return round * mostCopies + place - Math.max(0, first);
  }

  /** From 0 to 1: where in the first item's interval of shares a round looks. */
  private static double offset(long round) {
    return ((round + 1) * GOLDEN >>> 11) * 0x1p-53;
  }

  /** @param place in its round, before the round is put into an order */
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
