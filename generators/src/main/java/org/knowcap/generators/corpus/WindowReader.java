package org.knowcap.generators.corpus;

/**
 * Cuts a corpus's stream of tokens into consecutive windows of equal length, wherever items begin or end: no
 * padding, and nothing is left out, as in the paper. Reading allocates nothing. Not for use by several
 * threads at once.
 */
public final class WindowReader {
  private final Corpus corpus;
  private final int window;
  /** The item under the cursor: tokens 0..length-1, those before {@code position} consumed. */
  private final int[] buffer;
  private long item;
  private int length;
  private int position;

  /**
   * @param corpus what to read
   * @param window tokens in a window, at least 1
   * @param start  where to begin: {@link Cursor#START}, or the {@link #cursor()} of an earlier reader
   * @throws IllegalArgumentException if the window is empty, or the cursor is not of this corpus
   */
  public WindowReader(Corpus corpus, int window, Cursor start) {
    if (window < 1) {
      throw new IllegalArgumentException("a window must have 1 or more tokens, found " + window);
    }
    this.corpus = corpus;
    this.window = window;
    buffer = new int[corpus.longestItem()];
    load(start.item());
    if (start.offset() >= length) {
      throw new IllegalArgumentException("item " + item + " of " + corpus.name() + " has " + length
          + " tokens, but the cursor has consumed " + start.offset() + ": it was made with another corpus");
    }
    position = start.offset();
  }

  /**
   * Reads the next window: its tokens go to {@code inputs[offset..offset+window-1]}, and each one's
   * successor in the stream to the same place of {@code targets}. The last target is the next window's
   * first input, so every token but the stream's first is predicted exactly once.
   */
  public void read(int[] inputs, int[] targets, int offset) {
    int end = offset + window;
    for (int at = offset; at < end;) {
      int count = Math.min(end - at, length - position);
      System.arraycopy(buffer, position, inputs, at, count);
      at += count;
      position += count;
      if (position == length) {
        load(item + 1);
      }
    }
    System.arraycopy(inputs, offset + 1, targets, offset, window - 1);
    targets[end - 1] = buffer[position];
  }

  /** The place of the next window's first token. */
  public Cursor cursor() {
    return new Cursor(item, position);
  }

  private void load(long sequenceNumber) {
    item = sequenceNumber;
    length = corpus.write(item, buffer, 0);
    position = 0;
  }
}
