package org.knowcap.generators.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.biod.BioDBits;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bios.BioSBits;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.bits.Logarithms;
import org.knowcap.generators.pools.PoolSizes;

/** Bits against a count of all the corpora that there could be. */
class EnumeratedBitsTest {

  /** Every choice of a name and values for each of N people, as sets of (name, values). */
  @Test
  void bioSHasAsManyBitsAsThereAreCorpora() {
    PoolSizes sizes = new PoolSizes(1, 2, 2, 1, 1, 1, 1, 2, 1, 1);
    int values = 2 * 2;
    for (int people = 1; people <= 3; people++) {
      Set<Set<List<Integer>>> corpora = new HashSet<>();
      for (int[] choice : tuples((int) sizes.names() * values, people)) {
        Set<List<Integer>> corpus = new HashSet<>();
        Set<Integer> names = new HashSet<>();
        for (int person : choice) {
          names.add(person / values);
          corpus.add(List.of(person / values, person % values));
        }
        if (names.size() == people) {
          corpora.add(corpus);
        }
      }
      assertEquals(Logarithms.log2(corpora.size()), BioSBits.of(people, sizes).entropyBits(), 1e-9);
    }
  }

  /** Every choice of D strings for each attribute, of N names, and of C of the strings for each value. */
  @Test
  void bioDHasAsManyBitsAsThereAreCorpora() {
    PoolSizes sizes = new PoolSizes(1, 1, 3, 1, 1, 1, 1, 1, 1, 1);
    BioDShape shape = new BioDShape(2, 2, 2, 2, 2);
    int people = 2;
    int strings = 4;
    Set<List<Object>> corpora = new HashSet<>();
    for (int[] drawn : tuples(strings, 2 * 2)) {
      if (drawn[0] == drawn[1] || drawn[2] == drawn[3]) {
        continue;
      }
      List<Set<Integer>> sets = List.of(Set.of(drawn[0], drawn[1]), Set.of(drawn[2], drawn[3]));
      for (int[] names : tuples(3, people)) {
        if (names[0] == names[1]) {
          continue;
        }
        // Two people, two attributes, two chunks each: eight choices of one of two strings.
        for (int[] chunks : tuples(2, 8)) {
          Set<List<Integer>> told = new HashSet<>();
          for (int i = 0; i < 8; i++) {
            int person = i / 4;
            int attribute = i / 2 % 2;
            told.add(List.of(names[person], attribute, i % 2, drawn[2 * attribute + chunks[i]]));
          }
          corpora.add(List.of(sets, told));
        }
      }
    }
    BitContent bits = BioDBits.of(people, shape, sizes);
    assertEquals(Logarithms.log2(corpora.size()), bits.entropyBits(), 1e-9);
    // As the paper rounds it: N log2(N0 / N) + N K C log2 D + K D log2(T^L / D).
    assertEquals(2 * Logarithms.log2(3 / 2.0) + 8 + 4 * Logarithms.log2(4 / 2.0), bits.totalBits(), 1e-9);
  }

  /** Sizes at which nothing can be listed, by whole numbers. */
  @Test
  void choicesAreCountedInLogarithms() {
    for (int[] each : new int[][]{{20, 1, 20}, {10, 4, 10_000}, {10, 4, 9_990}, {3, 2, 4}, {40_000, 50, 300},
        {2, 30, 2_000}, {7, 20, 500}, {2, 53, 100}}) {
      BigInteger strings = BigInteger.valueOf(each[0]).pow(each[1]);
      BigInteger choices = BigInteger.ONE;
      for (int i = 0; i < each[2]; i++) {
        choices = choices.multiply(strings.subtract(BigInteger.valueOf(i))).divide(BigInteger.valueOf(i + 1));
      }
      double exact = log2(choices);
      assertEquals(exact, Logarithms.log2Choose(each[1] * Logarithms.log2(each[0]), each[2]),
          1e-9 * Math.max(1, exact), each[0] + "^" + each[1] + ", " + each[2]);
    }
    // Either way of counting, where both work.
    for (double all : new double[]{400, 123_457, 160e6}) {
      assertEquals(0, Logarithms.log2Choose(Logarithms.log2(all), (long) all), "all of " + all);
      assertEquals(Logarithms.log2(all), Logarithms.log2Choose(Logarithms.log2(all), (long) all - 1), 1e-9);
    }
    double few = Logarithms.log2Choose(Logarithms.log2(160e6), 1 << 20);
    double more = Logarithms.log2Choose(Logarithms.log2(160e6), (1 << 20) + 1);
    assertEquals(Logarithms.log2((160e6 - (1 << 20)) / ((1 << 20) + 1)), more - few, 1e-4);
  }

  @Test
  void thePapersApproximationIsALittleLess() {
    for (long people : new long[]{1, 1000, 20_000_000}) {
      KnowledgePart names = BioSBits.of(people, PoolSizes.PAPER).part("names");
      assertTrue(names.totalBits() <= names.entropyBits() + 1e-9);
      assertTrue(names.entropyBits() <= names.totalBits() + people * Logarithms.log2(Math.E));
    }
  }

  /** The shares in docs/measuring.md, by Stirling's formula: ln n! = n ln n - n + ln(2 pi n) / 2 + 1 / (12 n). */
  @Test
  void theSetOfNamesHasMoreBitsThanThePaperCounts() {
    for (double[] more : new double[][]{{1000, 8.3}, {100_000, 13.5}, {20_000_000, 45.0}}) {
      KnowledgePart names = BioSBits.of((long) more[0], PoolSizes.PAPER).part("names");
      double set = (logFactorial(160e6) - logFactorial(more[0]) - logFactorial(160e6 - more[0]))
          / Math.log(2);
      assertEquals(set, names.entropyBits(), 1e-6 * set);
      assertEquals(more[1], 100 * (set / names.totalBits() - 1), 0.05);
    }
  }

  private static double logFactorial(double n) {
    return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n);
  }

  /** All sequences of {@code length} numbers below {@code bound}. */
  private static List<int[]> tuples(int bound, int length) {
    List<int[]> tuples = new ArrayList<>();
    for (int code = 0; code < Math.pow(bound, length); code++) {
      int number = code;
      tuples.add(IntStream.range(0, length).map(i -> number / (int) Math.pow(bound, i) % bound).toArray());
    }
    return tuples;
  }

  private static double log2(BigInteger number) {
    int shift = Math.max(0, number.bitLength() - 1000);
    return shift + Logarithms.log2(number.shiftRight(shift).doubleValue());
  }
}
