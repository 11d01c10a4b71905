package org.knowcap.generators.corpus;

/**
 * A source's items, one after the other: faster than {@link Source#write(long, int[], int)} for each, because
 * whom they are about is found out for many at a time. Reading allocates nothing. Not for use by several
 * threads at once.
 */
public final class ItemReader {
  private static final int AHEAD = Long.SIZE;

  private final Source source;
  /** Whom the items from number {@code known} on are about. */
  private final long[] persons = new long[AHEAD];
  private long known;
  private long next;

  /** @param first number of the first item */
  public ItemReader(Source source, long first) {
    this.source = source;
    next = first;
    know();
  }

  private void know() {
    known = next;
    source.persons(known, persons);
  }

  /** The number of the item that comes next. */
  public long next() {
    return next;
  }

  /**
   * Reads the next item.
   *
   * @param target receives the tokens; must have {@link Source#longestItem()} free
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
