package org.knowcap.generators.corpus;

import java.util.OptionalInt;

/**
 * All items about a person, then all about the next. Where the number of exposures is no whole number, some people have one item
 * more than others.
 */
record SuccessiveTurns(long people, double exposures) implements Turns {
  private long turn(long item) {
    long turn = (long) (item / exposures);
    // The quotient is rounded.
    return first(turn) > item ? turn - 1 : first(turn + 1) <= item ? turn + 1 : turn;
  }

  private long first(long turn) {
    return (long) Math.ceil(turn * exposures);
  }

  @Override
  public long person(long item) {
    return turn(item) % people;
  }

  @Override
  public long draw(long item) {
    long turn = turn(item);
    return turn / people * (long) Math.ceil(exposures + 1) + item - first(turn);
  }

  @Override
  public double share(long person) {
    return 1.0 / people;
  }

  @Override
  public OptionalInt group(long person) {
    return OptionalInt.empty();
  }
}
