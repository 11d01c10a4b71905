package org.knowcap.generators.mixture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpora;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.generators.mixture.Mixture.Ingredient;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.testing.TestSeed;

class MixtureTest {
  private static final BioS USEFUL = Corpora.bioS(50, 1, Corpora.SMALL);
  private static final BioS JUNK = Corpora.bioS(150, 1, Corpora.SMALL).from(50);

  @Test
  void sharesHoldInEveryBlockOfWindows() {
    long seed = TestSeed.value();
    for (double share : new double[]{0.125, 0.5, 1 / 3.0, 0.0001, 0.77}) {
      Mixture mixture = mixture(seed, share, "");
      double total = 0;
      int blocks = 400;
      for (long block = 0; block < blocks; block++) {
        long useful = LongStream.range(block * 1024, (block + 1) * 1024)
            .filter(window -> mixture.stream().sourceOf(window, Windows.cut(512)) == 0)
            .count();
        assertEquals(share * 1024, useful, share * 1024 % 1 == 0 ? 0 : 1, "seed " + seed);
        total += useful;
      }
      // A block's part of a window is drawn, with the right mean.
      assertEquals(share * 1024, total / blocks, 5 * 0.5 / Math.sqrt(blocks), "seed " + seed);
    }
  }

  /** With a fixed seed: where in a block the useful windows are, and what comes after one. */
  @Test
  void kindsOfWindowsAreShuffled() {
    Mixture mixture = mixture(7, 0.125, "");
    Map<Long, Long> places = new HashMap<>();
    int pairs = 0;
    for (long window = 0; window < 1024 * 800; window++) {
      if (mixture.stream().sourceOf(window, Windows.cut(512)) == 0) {
        Corpora.count(places, window % 1024);
        pairs += mixture.stream().sourceOf(window + 1, Windows.cut(512)) == 0 ? 1 : 0;
      }
    }
    Corpora.assertUniform(1024, places);
    assertEquals(1024 * 800 / 64, pairs, 5 * Math.sqrt(1024 * 800 / 64));
  }

  @Test
  void nobodysNameIsUsefulAndJunk() {
    Set<String> names = new HashSet<>();
    for (Source source : mixture(1, 0.125, "").stream().sources()) {
      for (long person = 0; person < source.people(); person++) {
        names.add(source.values(person).get(Attribute.NAME));
      }
    }
    assertEquals(200, names.size());
    BioS most = Corpora.bioS(100_000_000, 1, PoolSizes.PAPER);
    assertEquals(100_000_000, most.from(60_000_000).people());
    assertEquals(
        "people must be 1..99999999, found 100000000: no two share a name, and the pools hold "
            + "400 first, 400 middle and 1000 last names, of which 60000001 are taken by others",
        assertThrows(IllegalArgumentException.class, () -> most.from(60_000_001)).getMessage());
  }

  @Test
  void exposuresAreThoseOfTheUsefulPeople() {
    Mixture mixture = mixture(3, 0.125, "");
    long windows = (long) Math.ceil(mixture.stream().tokens(200) / 64);
    WindowReader reader = new WindowReader(mixture, 64, Cursor.START);
    for (long window = 0; window < windows; window++) {
      reader.read(new int[64], new int[64], 0);
    }
    List<Cursor.Position> places = reader.cursor().positions();
    assertEquals(200, places.get(0).item() / 50.0, 2);
    assertEquals(mixture.stream().items(1, 200) / 150, places.get(1).item() / 150.0, 5);
    assertEquals(200, mixture.stream().items(0, 200) / 50, 1e-9);
  }

  @Test
  void aDomainTokenIsARowOfItsOwnInFrontOfEachItem() {
    Mixture mixture = mixture(1, 0.125, "wikipedia.org");
    assertEquals(USEFUL.vocabulary().size() + 1, mixture.vocabulary().size());
    assertEquals(List.of("wikipedia.org"), mixture.vocabulary().dedicated());
    int token = mixture.vocabulary().token("wikipedia.org");
    Source useful = mixture.stream().sources().getFirst();
    for (long item = 0; item < 100; item++) {
      int[] tokens = Corpora.item(useful, item);
      int[] plain = Corpora.item(USEFUL, item);
      assertEquals(plain.length + 1, tokens.length);
      assertEquals(mixture.vocabulary().eos(), tokens[0]);
      assertEquals(token, tokens[1]);
      for (int i = 1; i < plain.length; i++) {
        assertEquals(plain[i], tokens[i + 1]);
      }
      assertArrayEquals(Corpora.item(JUNK, item), Corpora.item(mixture.stream().sources().get(1), item));
      assertEquals(token, mixture.measured().measuringItem(item % 50, item).tokens()[1]);
    }
    assertEquals(USEFUL.bits(), mixture.measured().bits());
  }

  /** Each in the mixture's vocabulary: the text is as it was. */
  @Test
  void sourcesOfDifferentVocabulariesMix() {
    BioD numbers = Corpora.bioD(30, 1, Corpora.SHAPE);
    Mixture mixture = new Mixture(1, List.of(new Ingredient(numbers, 0.5, "<numbers>"),
        new Ingredient(JUNK, 0.25, ""), new Ingredient(USEFUL.simple(), 0.25, "<numbers>")));
    List<Source> alone = List.of(numbers, JUNK, USEFUL.simple());
    for (int i = 0; i < 3; i++) {
      Source mixed = mixture.stream().sources().get(i);
      for (long item = 0; item < 200; item++) {
        int[] before = Corpora.item(alone.get(i), item);
        int[] after = Corpora.item(mixed, item);
        assertEquals(
            "<|endoftext|>" + (i == 1 ? "" : "<numbers>")
                + alone.get(i).vocabulary().decode(before, 1, before.length),
            mixture.vocabulary().decode(after, 0, after.length));
      }
    }
  }

  @Test
  void whatCannotBeMixedIsRefused() {
    assertFault("the shares of a mixture must sum to 1, found 0.125 + 0.5",
        () -> new Mixture(1, List.of(new Ingredient(USEFUL, 0.125, ""), new Ingredient(JUNK, 0.5, ""))));
    assertFault("the shares of a mixture must sum to 1, found ", () -> new Mixture(1, List.of()));
    assertFault("the share of bioS(50) must be above 0 and at most 1, found 0.0",
        () -> new Ingredient(USEFUL, 0, ""));
    assertFault("the share of bioS(50) must be above 0 and at most 1, found NaN",
        () -> new Ingredient(USEFUL, Double.NaN, ""));
    assertFault("domain token \" #3\" already stands for something in the sources' texts",
        () -> new Mixture(1, List.of(new Ingredient(Corpora.bioD(9, 1, Corpora.SHAPE), 1, " #3"))));
    assertFault(
        "0.125 bioS(50) + 0.875 bioS(150) has 2 sources, but the cursor 1: "
            + "it was made with another corpus",
        () -> new WindowReader(mixture(1, 0.125, ""), 8, Cursor.ofNumbers(0, 0, 0)));
  }

  private static Mixture mixture(long seed, double share, String token) {
    return new Mixture(seed,
        List.of(new Ingredient(USEFUL, share, token), new Ingredient(JUNK, 1 - share, "")));
  }

  private static void assertFault(String message, Runnable code) {
    String found = assertThrows(IllegalArgumentException.class, code::run).getMessage();
    assertTrue(found.startsWith(message), found);
  }
}
