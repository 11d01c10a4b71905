package org.knowcap.generators.corpus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;

/** Unequal exposures: counted in the stream. */
class SkewTest {
  private static BioD corpus(int people, long seed) {
    return new BioD(people, new BioDShape(2, 2, 4, 1, 8), seed,
        Pools.shipped(new PoolSizes(20, 20, 20, 12, 28, 60, 40, 50, 30, 80)));
  }

  /** After any number of rounds each person occurred as often as its share says, to a few items, and never in one text twice. */
  @ParameterizedTest
  @CsvSource({"1, 1.5", "2, 1.5", "37, 0.5", "100, 1", "257, 1.2", "300, 3"})
  void everybodyOccursByItsShare(int people, double zipf) {
    Source source = corpus(people, 5).skewed(zipf);
    Rounds rounds = source.rounds();
    double[] powers = IntStream.rangeClosed(1, people).mapToDouble(rank -> Math.pow(rank, -zipf)).toArray();
    double all = Arrays.stream(powers).sum();
    assertArrayEquals(Arrays.stream(powers).map(power -> power / all).sorted().toArray(),
        LongStream.range(0, people).mapToDouble(rounds::share).sorted().toArray(), 1e-12);
    long[] counts = new long[people];
    Set<String> texts = new HashSet<>();
    for (int round = 0; round < 50; round++) {
      long[] persons = new long[people];
      rounds.persons((long) round * people, persons);
      for (int i = 0; i < people; i++) {
        long item = (long) round * people + i;
        assertEquals(persons[i], rounds.person(item));
        assertTrue(texts.add(persons[i] + " " + rounds.draw(item)), "a text occurs twice");
        counts[(int) persons[i]]++;
      }
      for (int person = 0; person < people; person++) {
        double expected = (round + 1.0) * people * rounds.share(person);
        assertTrue(Math.abs(counts[person] - expected) < 3, counts[person] + " items, expected " + expected);
      }
    }
  }

  @Test
  void ranksAreOfTheCorpusAndOrdersOfTheOrder() {
    BioD corpus = corpus(200, 5).skewed(1.5);
    BioD reordered = corpus.ordered(9);
    double[] shares = LongStream.range(0, 200).mapToDouble(corpus.rounds()::share).toArray();
    assertArrayEquals(shares, LongStream.range(0, 200).mapToDouble(reordered.rounds()::share).toArray());
    assertNotEquals(LongStream.range(0, 200).map(corpus::person).boxed().toList(),
        LongStream.range(0, 200).map(reordered::person).boxed().toList());
    double[] others = LongStream.range(0, 200)
        .mapToDouble(corpus(200, 6).skewed(1.5).rounds()::share)
        .toArray();
    assertTrue(!Arrays.equals(shares, others), "ranks do not depend on the seed");
    assertEquals("bioD(200, 2, 2, 4, 1, 8) zipf 1.5", corpus.name());
    assertNotEquals(corpus(200, 5).digest(), corpus.digest());
    assertEquals(corpus.meanItemTokens(), corpus(200, 5).meanItemTokens());
  }

  @Test
  void badExponentsAreRefused() {
    for (double zipf : new double[]{0, -1, 11, Double.NaN}) {
      assertTrue(assertThrows(IllegalArgumentException.class, () -> corpus(20, 1).skewed(zipf)).getMessage()
          .startsWith("the exponent of Zipf's law must be above 0 and at most 10, found "));
    }
  }
}
