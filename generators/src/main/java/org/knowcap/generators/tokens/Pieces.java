package org.knowcap.generators.tokens;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Texts that are tokenised once, each by itself, in one flat array: writing a text is a copy. Longer texts are made by
 * writing one piece after another. {@link Seams} hold the pairs of pieces at whose joint GPT-2 makes other tokens, so
 * that the tokens written are those of the whole text.
 */
public final class Pieces {

  /** The consecutive pieces of one list. */
  public record Range(int first, int size) {
    private IntStream pieces() {
      return IntStream.range(first, first + size);
    }
  }

  /**
   * A left and a right piece that are written as one.
   *
   * @param leftTokens how many tokens of both together hold a part of the left piece
   */
  private record Joined(int piece, int left, int right, int leftTokens) {}

  /**
   * The pairs of two lists' pieces that GPT-2 encodes otherwise if they are joined: "Acme Inc." before "." ends in the
   * one token "..", which holds the ends of both.
   */
  public static final class Seams {
    private final Range left;
    private final Range right;
    /** For each left piece its row in {@link #joined}, or -1; empty if no pair of the lists merges. */
    private final int[] rows;
    /** For a left piece's row and each right piece, the piece of both together, or -1. */
    private final int[][] joined;
    /** The pairs, in the order of their pieces. */
    private final List<Joined> all;
    private final int first;

    private Seams(Range left, Range right, int[] rows, int[][] joined, List<Joined> all) {
      this.left = left;
      this.right = right;
      this.rows = rows;
      this.joined = joined;
      this.all = List.copyOf(all);
      first = all.isEmpty() ? 0 : all.getFirst().piece;
    }

    /** The piece of both texts together, or -1 if they are written one after the other. */
    private int joined(int left, int right) {
      return rows.length == 0 || rows[left] < 0 ? -1 : joined[rows[left]][right];
    }
  }

  private static final int FEW = 4;

  private final Vocabulary vocabulary;
  /** Piece p is tokens[starts[p]..starts[p+1]-1]; {@link #FEW} more tokens follow the last piece. */
  private final int[] tokens;
  private final int[] starts;

  /** @param written the pieces that are written by themselves: others occur only as a part of joined ones */
  private Pieces(List<String> texts, BitSet written, List<String> dedicated) {
    int[][] gpt2 = texts.stream().map(Gpt2::encode).toArray(int[][]::new);
    starts = new int[gpt2.length + 1];
    for (int piece = 0; piece < gpt2.length; piece++) {
      starts[piece + 1] = starts[piece] + gpt2[piece].length;
    }
    vocabulary = new Vocabulary(written.stream().flatMap(piece -> Arrays.stream(gpt2[piece])).toArray(),
        dedicated);
    tokens = new int[starts[gpt2.length] + FEW];
    written.stream()
        .forEach(piece -> System.arraycopy(Arrays.stream(gpt2[piece]).map(vocabulary::token).toArray(), 0,
            tokens, starts[piece], gpt2[piece].length));
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

  /**
   * Copies a left and a right piece to {@code target[offset]} and on, as {@link #write(int, int[], int)} does, with the
   * tokens that GPT-2 makes of both together.
   *
   * @param left  index in the seams' left list
   * @param right index in the right list
   */
  public int write(Seams seams, int left, int right, int[] target, int offset) {
    int joined = seams.joined(left, right);
    return joined < 0
        ? write(seams.right.first + right, target, write(seams.left.first + left, target, offset))
        : write(joined, target, offset);
  }

  /**
   * How many tokens of a pair hold a part of the left text; the last of them may also hold the beginning of the right.
   *
   * @param left  index in the seams' left list
   * @param right index in the right list
   */
  public int leftTokens(Seams seams, int left, int right) {
    int joined = seams.joined(left, right);
    return joined < 0 ? length(seams.left.first + left) : seams.all.get(joined - seams.first).leftTokens;
  }

  /** The probability of each number of tokens, if the pieces of a list are equally likely. */
  public double[] lengths(Range range) {
    double[] lengths = new double[maxLength(range) + 1];
    range.pieces().forEach(piece -> lengths[length(piece)] += 1.0 / range.size);
    return lengths;
  }

  /**
   * The number of tokens of a pair.
   *
   * @param left  index in the seams' left list
   * @param right index in the right list
   */
  public int length(Seams seams, int left, int right) {
    int joined = seams.joined(left, right);
    return joined < 0 ? length(seams.left.first + left) + length(seams.right.first + right) : length(joined);
  }

  /** Mean number of tokens of the pieces. */
  public double meanLength(Range range) {
    return range.pieces().map(this::length).average().orElseThrow();
  }

  /** Number of tokens of the longest piece. */
  public int maxLength(Range range) {
    return range.pieces().map(this::length).max().orElseThrow();
  }

  /** How many tokens a pair of the lists has more than its pieces apart, on average over all pairs: 0 or less as a rule. */
  public double meanExcess(Seams seams) {
    return seams.all.stream().mapToInt(this::excess).sum() / (double) seams.left.size / seams.right.size;
  }

  /** How many tokens a pair of the lists has more than its pieces apart, at most; 0 or more. */
  public int maxExcess(Seams seams) {
    return seams.all.stream().mapToInt(this::excess).reduce(0, Math::max);
  }

  private int excess(Joined pair) {
    return length(pair.piece) - length(pair.left) - length(pair.right);
  }

  private int length(int piece) {
    return starts[piece + 1] - starts[piece];
  }

  /** Collects the texts, then tokenises them. */
  public static final class Builder {
    private final List<String> texts = new ArrayList<>();
    /** The pieces of seams, and those of them that are somewhere written by themselves. */
    private final BitSet seamed = new BitSet();
    private final BitSet alone = new BitSet();

    /** Adds a list; its pieces get the next numbers. */
    public Range add(List<String> list) {
      Range range = new Range(texts.size(), list.size());
      texts.addAll(list);
      return range;
    }

    /**
     * Finds the pairs of a left and a right piece that GPT-2 encodes otherwise than apart if the right one follows the
     * left one directly; the joined texts are added as pieces.
     *
     * <p>GPT-2 encodes words one by one, and a space begins a word. So nothing merges before a space, and at any other
     * joint only the last word on the left and the first on the right matter.
     */
    public Seams seams(Range left, Range right) {
      int[] rows = new int[left.size];
      Arrays.fill(rows, -1);
      List<int[]> joined = new ArrayList<>();
      List<Joined> all = new ArrayList<>();
      Map<String, Map<String, Boolean>> known = new HashMap<>();
      for (int l = 0; l < left.size; l++) {
        String leftText = texts.get(left.first + l);
        Map<String, Boolean> heads = known.computeIfAbsent(tail(leftText), _ -> new HashMap<>());
        for (int r = 0; r < right.size; r++) {
          String rightText = texts.get(right.first + r);
          if (heads.computeIfAbsent(firstWord(rightText), head -> merges(tail(leftText), head))) {
            if (rows[l] < 0) {
              rows[l] = joined.size();
              int[] none = new int[right.size];
              Arrays.fill(none, -1);
              joined.add(none);
            }
            joined.get(rows[l])[r] = texts.size();
            all.add(new Joined(texts.size(), left.first + l, right.first + r,
                tokensOf(leftText, leftText + rightText)));
            texts.add(leftText + rightText);
          } else {
            alone.set(left.first + l);
            alone.set(right.first + r);
          }
        }
      }
      seamed.set(left.first, left.first + left.size);
      seamed.set(right.first, right.first + right.size);
      return new Seams(left, right, all.isEmpty() ? new int[0] : rows, joined.toArray(int[][]::new), all);
    }

    private static String tail(String text) {
      return text.substring(Math.max(0, text.lastIndexOf(' ')));
    }

    /** Empty if the text begins with a space. */
    private static String firstWord(String text) {
      return text.contains(" ") ? text.substring(0, text.indexOf(' ')) : text;
    }

    private static boolean merges(String left, String right) {
      int[] apart = IntStream.concat(Arrays.stream(Gpt2.encode(left)), Arrays.stream(Gpt2.encode(right)))
          .toArray();
      return !Arrays.equals(Gpt2.encode(left + right), apart);
    }

    /** How many tokens of the whole text hold a byte of its beginning. */
    private static int tokensOf(String beginning, String whole) {
      int bytes = beginning.getBytes(StandardCharsets.UTF_8).length;
      int[] ids = Gpt2.encode(whole);
      int count = 0;
      for (int at = 0; at < bytes; count++) {
        at += Gpt2.bytes(ids[count]).length;
      }
      return count;
    }

    /** All texts that were added, in order, with those that seams join. */
    public List<String> texts() {
      return List.copyOf(texts);
    }

    /**
     * Tokenises the texts.
     *
     * @param dedicated tokens to add to the vocabulary; no piece contains them
     */
    public Pieces build(List<String> dedicated) {
      BitSet written = new BitSet();
      written.set(0, texts.size());
      written.andNot(seamed);
      written.or(alone);
      return new Pieces(texts, written, dedicated);
    }
  }
}
