package org.knowcap.generators.corpus;

import java.util.Arrays;
import java.util.List;

/**
 * Reads a corpus's training stream as windows of equal length. Each window is of one source and begins where that
 * source's previous window ended. {@link Packing} says whether windows cut items: as in the paper, item boundaries play no
 * role, nothing is padded, and nothing is left out; or windows hold whole items and are filled up with end-of-text tokens.
 * Reading allocates nothing. An instance is for one thread.
 */
public final class WindowReader {
  /** The target of a token that nothing is to be predicted from. */
  public static final int NO_TARGET = -1;

  private final TrainingStream stream;
  private final Windows windows;
  private final int contextLength;
  private final SourceTokens[] sources;
  private long number;

  /** Reads windows that are cut from the stream. */
  public WindowReader(Corpus corpus, int contextLength, Cursor start) {
    this(corpus, Windows.cut(contextLength), start);
  }

  /**
   * @param corpus  what to read
   * @param windows how its windows are made
   * @param start   where to begin: {@link Cursor#START}, or the {@link #cursor()} of an earlier reader
   * @throws IllegalArgumentException if the cursor belongs to another corpus, or items are not to be cut and may be longer
   *                                  than a window
   */
  public WindowReader(Corpus corpus, Windows windows, Cursor start) {
    this.windows = windows;
    contextLength = windows.length();
    stream = corpus.stream();
    if (windows.packing() == Packing.WHOLE && corpus.longestItem() > contextLength) {
      throw new IllegalArgumentException(
          "a window of " + contextLength + " tokens cannot hold a whole text of " + corpus.name()
              + ", which may have " + corpus.longestItem());
    }
    List<Source> all = stream.sources();
    if (!start.positions().isEmpty() && start.positions().size() != all.size()) {
      throw new IllegalArgumentException(corpus.name() + " has " + all.size() + " sources, but the cursor "
          + start.positions().size() + ": it was made with another corpus");
    }
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
   * input of the source's next window, so every token except a source's first is predicted exactly once. Of windows of
   * whole items, the tokens that fill a window up have {@link #NO_TARGET}.
   */
  public void read(int[] inputs, int[] targets, int offset) {
    int end = offset + contextLength;
    SourceTokens source = sources[stream.sourceOf(number++, windows)];
    if (windows.packing() == Packing.STREAM) {
      source.read(inputs, offset, end);
      System.arraycopy(inputs, offset + 1, targets, offset, contextLength - 1);
      targets[end - 1] = source.next();
    } else {
      int filled = source.readWhole(inputs, offset, end);
      Arrays.fill(inputs, filled, end, source.eos());
      System.arraycopy(inputs, offset + 1, targets, offset, contextLength - 1);
      // What follows a text is an end of text, whether it begins the next text or fills the window.
      targets[end - 1] = source.eos();
      Arrays.fill(targets, filled, end, NO_TARGET);
    }
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
    private final int eos;
    private int length;
    private int position;

    SourceTokens(Source source, Cursor.Position start) {
      items = new ItemReader(source, start.item());
      buffer = new int[source.longestItem()];
      eos = source.vocabulary().eos();
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

    /** Reads whole items while they have room; returns the end of the last. */
    int readWhole(int[] target, int from, int end) {
      int at = from;
      while (length <= end - at) {
        System.arraycopy(buffer, 0, target, at, length);
        at += length;
        load();
      }
      return at;
    }

    int next() {
      return buffer[position];
    }

    int eos() {
      return eos;
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
