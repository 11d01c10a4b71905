package org.knowcap.experiments;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.IntStream;

/** Finds the word that was meant by a misspelt one. */
public final class Spelling {
  private static final int CLOSE = 3;

  private Spelling() {}

  /** Whether one word may be a misspelling of the other, or its beginning. */
  public static boolean mayMean(String written, String word) {
    return !written.isEmpty()
        && (distance(written, word) <= Math.min(CLOSE, word.length() - 1) || word.startsWith(written));
  }

  /** The closest of the words that may be meant. */
  public static Optional<String> closest(String written, Collection<String> words) {
    return words.stream()
        .filter(word -> mayMean(written, word))
        .min(Comparator.comparingInt((String word) -> distance(written, word))
            .thenComparingInt(word -> Math.abs(word.length() - written.length())));
  }

  /** Levenshtein's distance, in which two neighbours in each other's place count as one error. */
  private static int distance(String a, String b) {
    int[] before = new int[b.length() + 1];
    int[] row = IntStream.rangeClosed(0, b.length()).toArray();
    for (int i = 1; i <= a.length(); i++) {
      int[] next = new int[row.length];
      next[0] = i;
      for (int j = 1; j < row.length; j++) {
        int replaced = row[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        next[j] = Math.min(replaced, 1 + Math.min(next[j - 1], row[j]));
        if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
          next[j] = Math.min(next[j], before[j - 2] + 1);
        }
      }
      before = row;
      row = next;
    }
    return row[b.length()];
  }
}
