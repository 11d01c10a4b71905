package org.knowcap.experiments.measure;

import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.WindowReader;

/**
 * The rarest tokens of a corpus: the tenth of the vocabulary that occurs least often at the beginning of the
 * training stream, absent tokens and ties included.
 */
public final class RareTokens {
  /** Tokens of the stream that are counted. */
  private static final long COUNTED = 1 << 18;
  private static final double SHARE = 0.1;

  private RareTokens() {}

  /**
   * Counts them.
   *
   * @param window tokens of a window
   * @param tokens of the whole run; no more tokens are counted
   */
  public static BitSet of(Corpus corpus, int window, long tokens) {
    long[] counts = new long[corpus.vocabulary().size()];
    WindowReader reader = new WindowReader(corpus, window, Cursor.START);
    int[] read = new int[window];
    int[] targets = new int[window];
    for (long seen = 0; seen < Math.min(COUNTED, tokens); seen += window) {
      reader.read(read, targets, 0);
      for (int token : read) {
        counts[token]++;
      }
    }
    long[] sorted = counts.clone();
    Arrays.sort(sorted);
    long most = sorted[(int) Math.ceil(SHARE * sorted.length) - 1];
    BitSet rare = new BitSet(counts.length);
    IntStream.range(0, counts.length).filter(token -> counts[token] <= most).forEach(rare::set);
    return rare;
  }
}
