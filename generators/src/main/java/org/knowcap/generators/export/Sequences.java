package org.knowcap.generators.export;

import java.io.IOException;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.ItemReader;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.corpus.Windows;

/** A section of a training stream, in pieces: items or windows. */
sealed interface Sequences {
  /** The number of pieces. */
  long count();

  /** The largest possible number of tokens of a piece. */
  int longest();

  /** Passes each piece to the sink. */
  void forEach(Sink sink) throws IOException;

  /** Receives pieces. */
  interface Sink {
    /** Takes a piece: the first {@code length} tokens, which are valid only until the call returns. */
    void accept(int[] tokens, int length) throws IOException;
  }

  /** The number of tokens of all pieces. */
  default long tokens() throws IOException {
    long[] tokens = new long[1];
    forEach((_, length) -> tokens[0] += length);
    return tokens[0];
  }

  /**
   * Items of a source.
   *
   * @param number of the source in its corpus, from 0
   * @param first  sequence number of the first item
   */
  record Items(Source source, int number, long first, long count) implements Sequences {
    @Override
    public int longest() {
      return source.longestItem();
    }

    @Override
    public void forEach(Sink sink) throws IOException {
      int[] tokens = new int[longest()];
      ItemReader reader = new ItemReader(source, first);
      for (long i = 0; i < count; i++) {
        sink.accept(tokens, reader.read(tokens));
      }
    }
  }

  /** Windows of a training stream, from a cursor on. */
  record OfWindows(Corpus corpus, Windows windows, Cursor start, long count) implements Sequences {
    @Override
    public int longest() {
      return windows.length();
    }

    @Override
    public void forEach(Sink sink) throws IOException {
      WindowReader reader = new WindowReader(corpus, windows, start);
      int contextLength = windows.length();
      int[] tokens = new int[contextLength];
      int[] targets = new int[contextLength];
      for (long i = 0; i < count; i++) {
        reader.read(tokens, targets, 0);
        sink.accept(tokens, contextLength);
      }
    }
  }
}
