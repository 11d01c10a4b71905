package org.knowcap.generators.corpus;

import java.util.Arrays;
import java.util.List;

/**
 * Cuts a corpus's training stream into windows of equal length, as in the paper: item boundaries play no role,
 * nothing is padded, and nothing is left out. Each window is cut from one source and begins where that source's
 * previous window ended. Reading allocates nothing. An instance is for one thread.
 */
public final class WindowReader {
  private final TrainingStream stream;
  private final int contextLength;
  private final SourceTokens[] sources;
  private long number;

  /**
   * @param corpus        what to read
   * @param contextLength tokens in a window, at least 1
   * @param start         where to begin: {@link Cursor#START}, or the {@link #cursor()} of an earlier reader
   * @throws IllegalArgumentException if the window is empty, or the cursor belongs to another corpus
   */
  public WindowReader(Corpus corpus, int contextLength, Cursor start) {
    if (contextLength < 1) {
      throw new IllegalArgumentException("a window must have 1 or more tokens, found " + contextLength);
    }
    stream = corpus.stream();
    List<Source> all = stream.sources();
    if (!start.positions().isEmpty() && start.positions().size() != all.size()) {
      throw new IllegalArgumentException(corpus.name() + " has " + all.size() + " sources, but the cursor "
          + start.positions().size() + ": it was made with another corpus");
    }
    this.contextLength = contextLength;
    sources = new SourceTokens[all.size()];
    for (int i = 0; i < sources.length; i++) {
      sources[i] = new SourceTokens(all.get(i),
          start.positions().isEmpty() ? Cursor.Position.START : start.positions().get(i));
    }
    number = start.window();
  }

  /**
   * Reads the next window: its tokens go to {@code inputs[offset..offset+contextLength-1]}, and the token that
   * follows each of them in its source goes to the same index of {@code targets}. The last target is the first
   * input of the source's next window, so every token except a source's first is predicted exactly once.
   */
  public void read(int[] inputs, int[] targets, int offset) {
    int end = offset + contextLength;
    SourceTokens source = sources[stream.sourceOf(number++, contextLength)];
    source.read(inputs, offset, end);
    System.arraycopy(inputs, offset + 1, targets, offset, contextLength - 1);
    targets[end - 1] = source.next();
  }

  /** Where the next window begins. */
  public Cursor cursor() {
    return new Cursor(number, Arrays.stream(sources).map(SourceTokens::position).toList());
  }

  /** A source's tokens, end to end. */
  private static final class SourceTokens {
    private final ItemReader items;
    /** The current item: tokens 0..length-1, of which those before {@code position} have been read. */
    private final int[] buffer;
    private int length;
    private int position;

    SourceTokens(Source source, Cursor.Position start) {
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
