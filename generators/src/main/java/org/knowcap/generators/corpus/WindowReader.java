package org.knowcap.generators.corpus;

import java.util.Arrays;
import java.util.List;

/**
 * Cuts a corpus's stream of tokens into consecutive windows of equal length, wherever items begin or end: no
 * padding, and nothing is left out, as in the paper. A window is all of one source and goes on
 * where that source's last window ended. Reading allocates nothing. Not for use by several threads at once.
 */
public final class WindowReader {
  private final Corpus corpus;
  private final int window;
  private final Stream[] streams;
  private long number;

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
    List<Source> sources = corpus.sources();
    if (!start.positions().isEmpty() && start.positions().size() != sources.size()) {
      throw new IllegalArgumentException(corpus.name() + " has " + sources.size()
          + " sources, but the cursor " + start.positions().size() + ": it was made with another corpus");
    }
    this.corpus = corpus;
    this.window = window;
    streams = new Stream[sources.size()];
    for (int i = 0; i < streams.length; i++) {
      streams[i] = new Stream(sources.get(i),
          start.positions().isEmpty() ? Cursor.Position.START : start.positions().get(i));
    }
    number = start.window();
  }

  /**
   * Reads the next window: its tokens go to {@code inputs[offset..offset+window-1]}, and each one's
   * successor in its source's stream to the same place of {@code targets}. The last target is the first
   * input of the source's next window, so every token but a stream's first is predicted exactly once.
   */
  public void read(int[] inputs, int[] targets, int offset) {
    int end = offset + window;
    Stream stream = streams[corpus.sourceOf(number++, window)];
    stream.read(inputs, offset, end);
    System.arraycopy(inputs, offset + 1, targets, offset, window - 1);
    targets[end - 1] = stream.next();
  }

  /** The place of the next window. */
  public Cursor cursor() {
    return new Cursor(number, Arrays.stream(streams).map(Stream::position).toList());
  }

  /** A source's tokens, end to end. */
  private static final class Stream {
    private final ItemReader items;
    /** The item under the cursor: tokens 0..length-1, those before {@code position} consumed. */
    private final int[] buffer;
    private int length;
    private int position;

    Stream(Source source, Cursor.Position start) {
      items = new ItemReader(source, start.item());
      buffer = new int[source.longestItem()];
      load();
      if (start.offset() >= length) {
        throw new IllegalArgumentException("item " + start.item() + " of " + source.name() + " has " + length
            + " tokens, but the cursor has consumed " + start.offset() + ": it was made with another corpus");
      }
      position = start.offset();
    }

    void read(int[] target, int from, int end) {
      for (int at = from; at < end;) {
        int count = Math.min(end - at, length - position);
        System.arraycopy(buffer, position, target, at, count);
        at += count;
        position += count;
        if (position == length) {
          load();
        }
      }
    }

    int next() {
      return buffer[position];
    }

    Cursor.Position position() {
      return new Cursor.Position(items.next() - 1, position);
    }

    private void load() {
      length = items.read(buffer);
      position = 0;
    }
  }
}
