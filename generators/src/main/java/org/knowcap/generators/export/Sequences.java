package org.knowcap.generators.export;

import java.io.IOException;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.ItemReader;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.WindowReader;

/** A stretch of a training stream, in the pieces that it is made of. */
sealed interface Sequences {
  /** How many pieces. */
  long count();

  /** No piece has more tokens. */
  int longest();

  /** Hands over piece after piece. */
  void forEach(Sink sink) throws IOException;

  /** Receives pieces. */
  interface Sink {
    /** @param tokens of which the first {@code length} count, and only until the call returns */
    void accept(int[] tokens, int length) throws IOException;
  }

  /** How many tokens all pieces have. */
  default long tokens() throws IOException {
    long[] tokens = new long[1];
    forEach((_, length) -> tokens[0] += length);
    return tokens[0];
  }

  /**
   * Items of a source.
   *
   * @param number of the source in its mixture, or 0
   * @param first  sequence number
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

  /** Windows of a mixture, from a place on. */
  record Windows(Corpus corpus, int window, Cursor start, long count) implements Sequences {
    @Override
    public int longest() {
      return window;
    }

    @Override
    public void forEach(Sink sink) throws IOException {
      WindowReader reader = new WindowReader(corpus, window, start);
      int[] tokens = new int[window];
      int[] targets = new int[window];
      for (long i = 0; i < count; i++) {
        reader.read(tokens, targets, 0);
        sink.accept(tokens, window);
      }
    }
  }
}
