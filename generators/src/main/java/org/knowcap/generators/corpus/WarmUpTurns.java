package org.knowcap.generators.corpus;

import java.util.OptionalInt;
import org.knowcap.generators.random.KeyedPermutation;

/** First whole rounds over a part of the people, then rounds over all of them. */
final class WarmUpTurns implements Turns {
  private final long people;
  private final long subset;
  /** Rounds over the subset. */
  private final long rounds;
  private final double items;
  private final KeyedPermutation ranks;
  private final KeyedPermutation first;
  private final KeyedPermutation orders;

  WarmUpTurns(Exposure.Draw draw, double share, double warmUp) {
    people = draw.people();
    subset = Math.round(share * people);
    if (subset == 0 || subset == people) {
      throw new IllegalArgumentException("a share of " + share + " of " + people + " people is "
          + (subset == 0 ? "nobody" : "everybody") + ": there is no subset to warm up with");
    }
    items = draw.items();
    rounds = Math.clamp(Math.round(warmUp * items / subset), 1, (long) items / subset);
    ranks = new KeyedPermutation(draw.ranks(), people);
    first = new KeyedPermutation(draw.orders().child(0), subset);
    orders = new KeyedPermutation(draw.orders(), people);
  }

  private long warmUpItems() {
    return rounds * subset;
  }

  @Override
  public long person(long item) {
    long later = item - warmUpItems();
    return later < 0
        ? ranks.apply(0, first.apply(item / subset, item % subset))
        : orders.apply(later / people, later % people);
  }

  @Override
  public long draw(long item) {
    long later = item - warmUpItems();
    return later < 0 ? item / subset : rounds + later / people;
  }

  @Override
  public double share(long person) {
    double later = (items - warmUpItems()) / people;
    return ((isFirst(person) ? rounds : 0) + later) / items;
  }

  private boolean isFirst(long person) {
    return ranks.invert(0, person) < subset;
  }

  @Override
  public OptionalInt group(long person) {
    return OptionalInt.of(isFirst(person) ? 0 : 1);
  }
}
