package org.knowcap.generators.tokens;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Texts that are tokenised once, each by itself, in one flat array: writing a text is a copy. Longer texts are made by
 * writing one piece after another; {@link Builder#merges} says whether GPT-2 would have encoded the whole text
 * in the same way.
 */
public final class Pieces {

  /** The consecutive pieces of one list. */
  public record Range(int first, int size) {
    private IntStream pieces() {
      return IntStream.range(first, first + size);
    }
  }

  private static final int FEW = 4;

  private final Vocabulary vocabulary;
  /** Piece p is tokens[starts[p]..starts[p+1]-1]; {@link #FEW} more tokens follow the last piece. */
  private final int[] tokens;
  private final int[] starts;

  private Pieces(List<String> texts, List<String> dedicated) {
    int[][] gpt2 = texts.stream().map(Gpt2::encode).toArray(int[][]::new);
    starts = new int[gpt2.length + 1];
    for (int piece = 0; piece < gpt2.length; piece++) {
      starts[piece + 1] = starts[piece] + gpt2[piece].length;
    }
    int[] gpt2Ids = Arrays.stream(gpt2).flatMapToInt(Arrays::stream).toArray();
    vocabulary = new Vocabulary(gpt2Ids, dedicated);
    tokens = Arrays.copyOf(Arrays.stream(gpt2Ids).map(vocabulary::token).toArray(), gpt2Ids.length + FEW);
  }

  /** The tokens that occur in the pieces, the end of text, and the dedicated tokens. */
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /**
   * Copies a piece to {@code target[offset]} and on; returns the offset after it. Up to three elements after
   * the piece may be overwritten.
   */
  public int write(int piece, int[] target, int offset) {
    int start = starts[piece];
    int length = starts[piece + 1] - start;
    int i = 0;
    // Most pieces have a few tokens: copying a fixed number is faster than a loop whose end cannot be predicted.
    if (offset + FEW <= target.length) {
      for (; i < FEW; i++) {
        target[offset + i] = tokens[start + i];
      }
    }
    for (; i < length; i++) {
      target[offset + i] = tokens[start + i];
    }
    return offset + length;
  }

  /** Mean number of tokens of the pieces. */
  public double meanLength(Range range) {
    return range.pieces().map(this::length).average().orElseThrow();
  }

  /** Number of tokens of the longest piece. */
  public int maxLength(Range range) {
    return range.pieces().map(this::length).max().orElseThrow();
  }

  private int length(int piece) {
    return starts[piece + 1] - starts[piece];
  }

  /** Collects the texts, then tokenises them. */
  public static final class Builder {
    private final List<String> texts = new ArrayList<>();

    /** Adds a list; its pieces get the next numbers. */
    public Range add(List<String> list) {
      Range range = new Range(texts.size(), list.size());
      texts.addAll(list);
      return range;
    }

    /**
     * The number of different joints between a left and a right text at which GPT-2's own encoding of the
     * joined text has a token across the joint; an example is "Inc." before ".".
     *
     * <p>GPT-2 encodes words one by one, and a space begins a word. So a joint before a space never merges,
     * and at any other joint only the last word on the left and the first on the right matter.
     */
    public int merges(Range left, Range right) {
      Set<String> tails = new HashSet<>();
      Set<String> heads = new HashSet<>();
      left.pieces()
          .mapToObj(texts::get)
          .forEach(text -> tails.add(text.substring(Math.max(0, text.lastIndexOf(' ')))));
      right.pieces()
          .mapToObj(texts::get)
          .filter(text -> !text.startsWith(" "))
          .forEach(text -> heads.add(text.contains(" ") ? text.substring(0, text.indexOf(' ')) : text));
      int merges = 0;
      for (String tail : tails) {
        for (String head : heads) {
          int[] apart = IntStream.concat(Arrays.stream(Gpt2.encode(tail)), Arrays.stream(Gpt2.encode(head)))
              .toArray();
          if (!Arrays.equals(Gpt2.encode(tail + head), apart)) {
            merges++;
          }
        }
      }
      return merges;
    }

    /** All texts that were added, in order. */
    public List<String> texts() {
      return List.copyOf(texts);
    }

    /**
     * Tokenises the texts.
     *
     * @param dedicated tokens to add to the vocabulary; no piece contains them
     */
    public Pieces build(List<String> dedicated) {
      return new Pieces(texts, dedicated);
    }
  }
}
