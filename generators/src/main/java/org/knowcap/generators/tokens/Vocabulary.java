package org.knowcap.generators.tokens;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The GPT-2 tokens that a corpus can produce, renumbered 0..V-1 in ascending order of their GPT-2 ids. The
 * end of text belongs to every vocabulary and is always V-1. (The paper counts the rows of its embedding
 * likewise.)
 */
public final class Vocabulary {
  private final int[] gpt2Ids;
  private final byte[][] bytes;

  /** @param gpt2Ids the ids that occur, in any order, repeated or not, with or without {@link Gpt2#EOS} */
  public Vocabulary(int[] gpt2Ids) {
    this.gpt2Ids = IntStream.concat(Arrays.stream(gpt2Ids), IntStream.of(Gpt2.EOS)).sorted().distinct()
        .toArray();
    bytes = Arrays.stream(this.gpt2Ids).mapToObj(Gpt2::bytes).toArray(byte[][]::new);
  }

  /** V, the number of different tokens, {@link #eos} included. */
  public int size() {
    return gpt2Ids.length;
  }

  /** The token that separates texts. */
  public int eos() {
    return gpt2Ids.length - 1;
  }

  /** The GPT-2 id of every token: entry v is token v's. */
  public int[] gpt2Ids() {
    return gpt2Ids.clone();
  }

  /**
   * The token of a GPT-2 id.
   *
   * @throws IllegalArgumentException if the id is not in the vocabulary
   */
  public int token(int gpt2Id) {
    int token = Arrays.binarySearch(gpt2Ids, gpt2Id);
    if (token < 0) {
      throw new IllegalArgumentException(
          "GPT-2 id " + gpt2Id + " is not among the " + size() + " of this vocabulary");
    }
    return token;
  }

  /** The text of {@code tokens[from..to-1]}. */
  public String decode(int[] tokens, int from, int to) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    for (int i = from; i < to; i++) {
      text.writeBytes(bytes[tokens[i]]);
    }
    return text.toString(StandardCharsets.UTF_8);
  }
}
