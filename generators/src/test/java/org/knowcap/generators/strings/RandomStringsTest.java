package org.knowcap.generators.strings;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.corpus.Corpora;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.testing.TestSeed;

/** Random strings and the bits that they have. */
class RandomStringsTest {
  private final long seed = TestSeed.value();

  /** The number of corpora is V to the power of S M, a whole number whose logarithm its number of binary digits bounds. */
  @ParameterizedTest
  @CsvSource({"1, 1, 2", "3, 2, 5", "700, 9, 11", "97, 64, 2048", "12, 4096, 3"})
  void thereAreAsManyBitsAsCorpora(long strings, int length, int alphabet) {
    KnowledgePart part = StringBits.of(strings, new StringShape(length, alphabet)).part("values");
    BigInteger corpora = BigInteger.valueOf(alphabet).pow(Math.toIntExact(length * strings));
    double bits = corpora.bitLength() - 1;
    assertTrue(part.entropyBits() >= bits - 1e-9 * bits && part.entropyBits() < bits + 1 + 1e-9 * bits,
        part.toString());
    assertEquals(part.entropyBits(), part.count() * part.uniformBits(), 1e-9 * bits);
    // The best that a model can do without knowing which string comes next is to give each 1 / M.
    assertEquals(part.totalBits(),
        strings * (Math.log(Math.pow(alphabet, length / 8.0)) * 8 - Math.log(strings)) / Math.log(2),
        1e-6 * bits);
  }

  /**
   * The order of the strings has log2 M! bits, of which a set has no need; log2 M for each string, which are not counted as
   * storable, are at most log2 e a string more.
   */
  @Test
  void theOrderIsALittleLessThanWhatIsNotCounted() {
    for (int strings : new int[]{2, 50, 3000}) {
      KnowledgePart part = StringBits.of(strings, new StringShape(20, 30)).part("values");
      double left = part.entropyBits() - part.totalBits();
      double order = LongStream.rangeClosed(2, strings).mapToDouble(Math::log).sum() / Math.log(2);
      assertTrue(left > order && left < order + strings / Math.log(2), left + ", order " + order);
    }
  }

  @Test
  void symbolsAreUniformAtEachPlaceAndInPairs() {
    RandomStrings source = new RandomStrings(20_000, new StringShape(6, 7), seed, seed);
    Map<List<Integer>, Long> places = new HashMap<>();
    Map<List<Integer>, Long> pairs = new HashMap<>();
    for (long string = 0; string < source.people() - 1; string++) {
      int[] tokens = source.measuringItem(string, 0).tokens();
      for (int place = 1; place <= 6; place++) {
        Corpora.count(places, List.of(place, tokens[place]));
      }
      Corpora.count(pairs, List.of(tokens[1], tokens[6]));
      // The next string's symbols are no more likely for this one.
      Corpora.count(pairs, List.of(-tokens[6], source.measuringItem(string + 1, 0).tokens()[1]));
    }
    Corpora.assertUniform(42, places);
    Corpora.assertUniform(98, pairs);
  }

  @Test
  void aSmallerCorpusHasTheFirstStringsAndStrangersTheNext() {
    RandomStrings small = Corpora.strings(20, seed);
    RandomStrings large = Corpora.strings(90, seed);
    Source strangers = small.strangers(50).orElseThrow();
    Source more = strangers.strangers(7).orElseThrow();
    for (long string = 0; string < 90; string++) {
      Source source = string < 20 ? small : string < 70 ? strangers : more;
      long number = string < 20 ? string : string < 70 ? string - 20 : string - 70;
      if (number < source.people()) {
        assertEquals(large.values(string), source.values(number));
        assertArrayEquals(large.measuringItem(string, 3).tokens(), source.measuringItem(number, 5).tokens());
      }
    }
    assertNotEquals(small.digest(), strangers.digest());
    assertNotEquals(large.values(0), Corpora.strings(90, seed + 1).values(0));
  }

  @Test
  void anotherOrderHasTheSameStrings() {
    RandomStrings source = Corpora.strings(90, seed);
    RandomStrings other = new RandomStrings(90, source.shape(), seed, seed + 1);
    assertFalse(LongStream.range(0, 90).allMatch(item -> source.person(item) == other.person(item)));
    LongStream.range(0, 90).forEach(string -> assertEquals(source.values(string), other.values(string)));
    assertNotEquals(source.digest(), other.digest());
  }

  /** Windows of whole strings, and windows that are cut at multiples of their length, hold only whole strings. */
  @Test
  void noStringIsCut() {
    RandomStrings source = Corpora.strings(31, seed);
    Set<List<Integer>> whole = new HashSet<>();
    for (long string = 0; string < 31; string++) {
      whole.add(Arrays.stream(source.measuringItem(string, 0).tokens()).boxed().toList());
    }
    for (Windows windows : List.of(new Windows(34, Packing.WHOLE), Windows.cut(30))) {
      WindowReader reader = new WindowReader(source, windows, Cursor.START);
      int[] tokens = new int[windows.length()];
      for (int window = 0; window < 100; window++) {
        reader.read(tokens, new int[windows.length()], 0);
        for (int at = 0; at < 30; at += 10) {
          assertTrue(whole.contains(Arrays.stream(tokens, at, at + 10).boxed().toList()));
        }
        assertTrue(Arrays.stream(tokens, 30, tokens.length).allMatch(token -> token == 0));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 5, 1, length (S) must be 1..4096", "4097, 5, 1, length (S) must be 1..4096",
      "3, 1, 1, there is one string", "3, 0, 1, alphabet (V) must be 2..40000",
      "3, 40001, 1, alphabet (V) must be 2..40000", "3, 2, 0, fewer than the V^S = 2^3 possible strings",
      "3, 2, 8, fewer than the V^S = 2^3 possible strings"})
  void whatCannotBeIsRefused(int length, int alphabet, long strings, String message) {
    String found = assertThrows(IllegalArgumentException.class,
        () -> new RandomStrings(strings, new StringShape(length, alphabet), 1, 1)).getMessage();
    assertTrue(found.contains(message), found);
  }
}
