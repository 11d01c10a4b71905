package org.knowcap.generators.corpus;

import java.util.Arrays;
import java.util.Comparator;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.knowcap.generators.random.KeyedPermutation;

/** Rounds over some of the people; nothing is about the others. */
final class PrunedTurns implements Turns {
  /** By their numbers. */
  private final long[] kept;
  private final KeyedPermutation orders;

  PrunedTurns(Exposure.Draw draw, Exposure.Pruned pruning) {
    if (draw.people() > Exposure.MOST_PEOPLE) {
      throw new IllegalArgumentException(
          "at most " + Exposure.MOST_PEOPLE + " people can be pruned, found " + draw.people());
    }
    int people = (int) draw.people();
    int count = (int) Math.round(pruning.keep() * people);
    if (count == 0 || count == people) {
      throw new IllegalArgumentException("a share of " + pruning.keep() + " of " + people + " people is "
          + (count == 0 ? "nobody: nobody would be kept" : "everybody: nobody would be pruned"));
    }
    if (pruning.choice() != Exposure.Choice.RANDOM && pruning.losses().size() != people) {
      throw new IllegalArgumentException(
          "there are losses of " + pruning.losses().size() + " people, but the corpus has " + people);
    }
    // Of equal losses the first person's counts as the lower one.
    Comparator<Integer> byLoss = Comparator.comparing(pruning.losses()::get);
    LongStream chosen = switch (pruning.choice()) {
      case LOWEST_LOSS -> everybody(people, byLoss).limit(count);
      case HIGHEST_LOSS -> everybody(people, byLoss).skip(people - count);
      case RANDOM -> {
        KeyedPermutation ranks = new KeyedPermutation(draw.ranks(), people);
        yield LongStream.range(0, count).map(rank -> ranks.apply(0, rank));
      }
    };
    kept = chosen.sorted().toArray();
    orders = new KeyedPermutation(draw.orders(), count);
  }

  private static LongStream everybody(int people, Comparator<Integer> order) {
    return IntStream.range(0, people).boxed().sorted(order).mapToLong(Integer::longValue);
  }

  @Override
  public long person(long item) {
    return kept[(int) orders.apply(item / kept.length, item % kept.length)];
  }

  @Override
  public long draw(long item) {
    return item / kept.length;
  }

  private boolean isKept(long person) {
    return Arrays.binarySearch(kept, person) >= 0;
  }

  @Override
  public double share(long person) {
    return isKept(person) ? 1.0 / kept.length : 0;
  }

  @Override
  public OptionalInt group(long person) {
    return OptionalInt.of(isKept(person) ? 0 : 1);
  }
}
