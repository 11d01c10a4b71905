package org.knowcap.generators.people;

import java.util.List;
import java.util.function.ToDoubleFunction;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.random.RandomStream;
import org.knowcap.generators.tokens.Pieces;

/**
 * All full names that some lists make, numbered from 0. Individual i has name i of a permutation of all names, so no two
 * individuals share a name. Sources of one seed and one set of names take their people from the same
 * individuals.
 */
public final class Names {
  /** First, middle and last names, each entry with a space in front. */
  private final List<List<String>> entries;
  private final List<Pieces.Range> pieces;

  /**
   * @param pools   of which the names are used
   * @param builder the names' pieces are added to it
   */
  public Names(Pools pools, Pieces.Builder builder) {
    entries = List.of(spaced(pools.first()), spaced(pools.middle()), spaced(pools.last()));
    pieces = entries.stream().map(builder::add).toList();
  }

  /** The entries with a space in front, which separates them from the word before. */
  public static List<String> spaced(List<String> entries) {
    return entries.stream().map(entry -> " " + entry).toList();
  }

  /**
   * Checks that there are names for individuals {@code first} to {@code first + people - 1}.
   *
   * @throws IllegalArgumentException if there are too few
   */
  public static void check(long first, long people, PoolSizes sizes) {
    long free = sizes.names() - first;
    if (first < 0 || people < 1 || people > free) {
      throw new IllegalArgumentException(
          "people must be 1.." + free + ", found " + people + ": no two share a name, and the pools hold "
              + sizes.first() + " first, " + sizes.middle() + " middle and " + sizes.last() + " last names"
              + (first == 0 ? "" : ", of which " + first + " are taken by others"));
    }
  }

  /** The numbers of the individuals' names, in the individuals' order, as member 0. */
  public static KeyedPermutation order(long seed, PoolSizes sizes) {
    return new KeyedPermutation(RandomStream.NAMES.random(seed), sizes.names());
  }

  /** Writes the first and middle name, beginning with a space; returns the offset after them. */
  public int writeGiven(long number, Pieces texts, int[] target, int offset) {
    int middle = texts.write(pieces.get(0).first() + index(number, 0), target, offset);
    return texts.write(pieces.get(1).first() + index(number, 1), target, middle);
  }

  /** The index of a name's last name in {@link #lastNames()}. */
  public int last(long number) {
    return index(number, 2);
  }

  /** A full name. */
  public String text(long number) {
    StringBuilder text = new StringBuilder();
    for (int part = 0; part < 3; part++) {
      text.append(entries.get(part).get(index(number, part)));
    }
    return text.toString().strip();
  }

  /** The number of tokens of a name, given the number that each list contributes. */
  public double tokens(ToDoubleFunction<Pieces.Range> length) {
    return pieces.stream().mapToDouble(length).sum();
  }

  /** The probability of each number of tokens of a first and a middle name together. */
  public double[] givenLengths(Pieces texts) {
    return ItemLayout.convolve(texts.lengths(pieces.get(0)), texts.lengths(pieces.get(1)));
  }

  /** The pieces that the rest of a sentence follows. */
  public Pieces.Range lastNames() {
    return pieces.get(2);
  }

  /** The index of a name's part in its pool; names are numbered with the last name running fastest. */
  private int index(long name, int part) {
    int middle = pieces.get(1).size();
    int last = pieces.get(2).size();
    return (int) switch (part) {
      case 0 -> name / last / middle;
      case 1 -> name / last % middle;
      default -> name % last;
    };
  }
}
