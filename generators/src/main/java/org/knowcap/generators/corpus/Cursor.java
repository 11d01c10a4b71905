package org.knowcap.generators.corpus;

/**
 * A place in a corpus's stream of tokens, and all that is needed to go on from there.
 *
 * @param item   sequence number of the item that the next token belongs to
 * @param offset tokens of that item that are already consumed
 */
public record Cursor(long item, int offset) {
  /** Nothing consumed yet. */
  public static final Cursor START = new Cursor(0, 0);

  /** @throws IllegalArgumentException if a number is negative */
  public Cursor {
    if (item < 0 || offset < 0) {
      throw new IllegalArgumentException(
          "a cursor's item and offset must be 0 or more, found " + item + " and " + offset);
    }
  }
}
