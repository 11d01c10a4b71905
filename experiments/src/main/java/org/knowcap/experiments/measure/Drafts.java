package org.knowcap.experiments.measure;

import java.util.HashMap;
import java.util.Map;

/**
 * Guesses how a text continues: as earlier texts continued after the last three tokens, else after the last two,
 * else after the last one. The model checks many tokens of the guess at a time, so a good guess saves time, and a
 * bad guess changes nothing.
 */
final class Drafts {
  private static final int ORDER = 3;

  private final Map<Long, Integer> next = new HashMap<>();

  /** Remembers a text; a later text takes precedence over earlier ones. */
  void learn(int[] text, int length) {
    for (int order = 1; order <= ORDER; order++) {
      for (int at = order; at < length; at++) {
        next.put(key(text, at, order), text[at]);
      }
    }
  }

  /**
   * Continues a text until its last tokens were never seen, or until the token that ends texts.
   *
   * @param text whose first {@code from} tokens are given; the guess is written after them
   * @param own drafts of this text, which take precedence over the drafts of all texts
   * @return tokens of the text with the guess
   */
  int guess(int[] text, int from, int most, Drafts own, int end) {
    for (int at = from; at < most; at++) {
      Integer token = null;
      for (int order = Math.min(ORDER, at); order >= 1 && token == null; order--) {
        long key = key(text, at, order);
        token = own.next.getOrDefault(key, next.get(key));
      }
      if (token == null || token == end) {
        return at;
      }
      text[at] = token;
    }
    return most;
  }

  /** The {@code order} tokens before a place; vocabularies have fewer than 2^20 tokens. */
  private static long key(int[] text, int at, int order) {
    long key = order;
    for (int i = at - order; i < at; i++) {
      key = key << 20 | text[i];
    }
    return key;
  }
}
