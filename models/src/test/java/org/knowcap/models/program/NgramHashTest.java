package org.knowcap.models.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NgramHashTest {
  private static int[] rows(NgramHash hash, int length, OptionalInt separator, int... tokens) {
    int[] rows = new int[tokens.length * hash.tables()];
    new NgramHash.Finder(hash, length, separator).find(tokens, rows);
    return rows;
  }

  /** What another implementation (of whole numbers of any size, in Python) makes of the definition. Checkpoints depend on it. */
  @Test
  void findsTheRowsOfItsDefinition() {
    assertArrayEquals(
        new int[]{617, 1915, 2259, 3211, 475, 1643, 2145, 3572, 986, 1880, 2048, 3686, 409, 1475, 2693, 3295,
            97, 1932, 2112, 3792, 857, 1782, 2208, 3842},
        rows(new NgramHash(3, 2, 1000, 1, 0), 3, OptionalInt.empty(), 5, 0, 7, 7, 1, 2));
    // Both sevens begin a document, and so find the same.
    assertArrayEquals(new int[]{877, 1100, 932, 1143, 621, 1420, 621, 1420, 650, 1673, 529, 1961},
        rows(new NgramHash(3, 1, 1000, 0, 9), 6, OptionalInt.of(7), 5, 0, 7, 7, 1, 2));
  }

  /** All pairs of 100 tokens in a table of 1000 rows, 10 to a row: chi^2 has 999 degrees of freedom, so a deviation of 45. */
  @Test
  void spreadsNgramsOverTheRowsOfEachTable() {
    NgramHash hash = new NgramHash(2, 3, 1000, 0, 0);
    int[] tokens = IntStream.range(0, 10_000).flatMap(pair -> IntStream.of(pair / 100, pair % 100)).toArray();
    int[] rows = rows(hash, 2, OptionalInt.empty(), tokens);
    int[] counts = new int[3000];
    for (int second = 1; second < tokens.length; second += 2) {
      for (int table = 0; table < 3; table++) {
        counts[rows[3 * second + table]]++;
      }
    }
    for (int table = 0; table < 3; table++) {
      double chiSquare = IntStream.range(1000 * table, 1000 * (table + 1))
          .mapToDouble(row -> (counts[row] - 10) * (counts[row] - 10) / 10.0)
          .sum();
      assertEquals(999, chiSquare, 5 * 45, "table " + table);
    }
  }

  /** Two heads, two blocks and two seeds put the same n-grams together in no more rows than chance does. */
  @Test
  void headsBlocksAndSeedsHaveHashesOfTheirOwn() {
    int[] tokens = IntStream.range(0, 2000).map(i -> i * i % 997).toArray();
    int[] first = rows(new NgramHash(2, 2, 100, 0, 0), 2000, OptionalInt.empty(), tokens);
    int[] block = rows(new NgramHash(2, 2, 100, 1, 0), 2000, OptionalInt.empty(), tokens);
    int[] seed = rows(new NgramHash(2, 2, 100, 0, 1), 2000, OptionalInt.empty(), tokens);
    for (int[] other : new int[][]{block, seed}) {
      long equal = IntStream.range(0, first.length).filter(i -> first[i] == other[i]).count();
      assertTrue(equal < 80, equal + " of 4000 rows are equal, where 40 are by chance");
    }
    long heads = IntStream.range(0, 2000).filter(i -> first[2 * i] + 100 == first[2 * i + 1]).count();
    assertTrue(heads < 50, heads + " of 2000");
  }
}
