package org.knowcap.experiments.measure;

import java.util.HashMap;
import java.util.Map;

/**
 * Guesses how a text goes on: as texts that were seen went on behind the same three tokens, else two, else one. What a model
 * writes is checked against the guess many tokens at a time, so that a good guess saves time, and a bad one changes nothing.
 */
final class Drafts {
  private static final int ORDER = 3;

  private final Map<Long, Integer> next = new HashMap<>();

  /** Remembers a text; what it says stands before what earlier texts said. */
  void learn(int[] text, int length) {
    for (int order = 1; order <= ORDER; order++) {
      for (int at = order; at < length; at++) {
        next.put(key(text, at, order), text[at]);
      }
    }
  }

  /**
   * Goes on with a text until nothing like its end was seen, or a token that ends texts.
   *
   * @param text whose first {@code from} tokens are given; the guess goes behind them
   * @param own what is known of this text, before what is known of all
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
