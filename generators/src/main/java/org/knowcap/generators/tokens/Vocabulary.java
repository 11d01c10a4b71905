package org.knowcap.generators.tokens;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.files.Sha256;

/**
 * The tokens that a corpus can produce, numbered 0..V-1: first the GPT-2 tokens, in ascending order of their
 * GPT-2 ids, so that the end of text, which belongs to every vocabulary, is the last of them; then tokens
 * dedicated to the corpus, which GPT-2 does not have. (The paper counts the rows of its embedding in the same way.)
 */
public final class Vocabulary {
  private final int[] gpt2Ids;
  /** The dedicated tokens by their texts. */
  private final SequencedMap<String, Integer> dedicated = new LinkedHashMap<>();
  private final byte[][] bytes;

  /**
   * @param gpt2Ids   the ids that occur, in any order, repeated or not, with or without {@link Gpt2#EOS}
   * @param dedicated the texts that the dedicated tokens stand for
   * @throws IllegalArgumentException if a dedicated text is empty or repeated
   */
  public Vocabulary(int[] gpt2Ids, List<String> dedicated) {
    this.gpt2Ids = IntStream.concat(Arrays.stream(gpt2Ids), IntStream.of(Gpt2.EOS))
        .sorted()
        .distinct()
        .toArray();
    for (String text : dedicated) {
      if (text.isEmpty() || this.dedicated.put(text, this.gpt2Ids.length + this.dedicated.size()) != null) {
        throw new IllegalArgumentException(
            "a dedicated token must have a text of its own, found \"" + text + "\"");
      }
    }
    bytes = Stream
        .concat(Arrays.stream(this.gpt2Ids).mapToObj(Gpt2::bytes),
            dedicated.stream().map(text -> text.getBytes(StandardCharsets.UTF_8)))
        .toArray(byte[][]::new);
  }

  /** V, the number of tokens, including {@link #eos}. */
  public int size() {
    return bytes.length;
  }

  /** The token that separates texts. */
  public int eos() {
    return gpt2Ids.length - 1;
  }

  /** The GPT-2 ids of tokens 0 to {@link #eos()}: entry v is token v's. */
  public int[] gpt2Ids() {
    return gpt2Ids.clone();
  }

  /** The texts of the dedicated tokens, which are numbered from {@link #eos()} + 1 on. */
  public List<String> dedicated() {
    return List.copyOf(dedicated.keySet());
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
          "GPT-2 id " + gpt2Id + " is not among the " + gpt2Ids.length + " of this vocabulary");
    }
    return token;
  }

  /**
   * The token dedicated to a text.
   *
   * @throws IllegalArgumentException if no token is dedicated to it
   */
  public int token(String text) {
    if (!dedicated.containsKey(text)) {
      throw new IllegalArgumentException("no token of this vocabulary is dedicated to \"" + text + "\"");
    }
    return dedicated.get(text);
  }

  /** SHA-256, in hex, of the tokens and their numbers. Vocabularies of equal digests are equal. */
  public String digest() {
    // A text may hold line breaks: its length keeps it apart from the next.
    String content = Arrays.toString(gpt2Ids)
        + dedicated.keySet().stream().map(text -> text.length() + ":" + text).collect(Collectors.joining());
    return Sha256.of(content);
  }

  /** The vocabulary of the tokens of both; a text that both have a dedicated token for has one token. */
  public Vocabulary union(Vocabulary other) {
    SequencedSet<String> texts = new LinkedHashSet<>(dedicated.keySet());
    texts.addAll(other.dedicated.keySet());
    return new Vocabulary(IntStream.concat(Arrays.stream(gpt2Ids), Arrays.stream(other.gpt2Ids)).toArray(),
        List.copyOf(texts));
  }

  /** The UTF-8 bytes of one token; they may be only a part of a character. */
  public byte[] bytes(int token) {
    return bytes[token].clone();
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
