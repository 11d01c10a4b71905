package org.knowcap.generators.corpus;

/**
 * Reads a source's items in sequence. It is faster than {@link Source#write(long, int[], int)} for each item,
 * because it finds out the persons of many items at a time. Reading allocates nothing. An instance is for one
 * thread.
 */
public final class ItemReader {
  private static final int AHEAD = Long.SIZE;

  private final Source source;
  private final Rounds rounds;
  /** The persons of the items from number {@code known} on. */
  private final long[] persons = new long[AHEAD];
  private long known;
  private long next;

  /** @param first number of the first item */
  public ItemReader(Source source, long first) {
    this.source = source;
    rounds = source.rounds();
    next = first;
    know();
  }

  private void know() {
    known = next;
    rounds.persons(known, persons);
  }

  /** The number of the item that comes next. */
  public long next() {
    return next;
  }

  /**
   * Reads the next item.
   *
   * @param target receives the tokens; must have {@link Source#longestItem()} elements
   * @return the number of tokens
   */
  public int read(int[] target) {
    if (next - known == AHEAD) {
      know();
    }
    int length = source.write(next, persons[(int) (next - known)], target, 0);
    next++;
    return length;
  }
}
