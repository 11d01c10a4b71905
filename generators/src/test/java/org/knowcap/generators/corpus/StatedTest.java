package org.knowcap.generators.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.bios.BioS;
import org.knowcap.testing.TestSeed;

/** What a text states of a person, and people whom training does not show. */
class StatedTest {
  private final long seed = TestSeed.value();

  /** A person's own text states all; another's text, under the person's name, what both have in common. */
  @Test
  void aTextStatesTheValuesOfItsPerson() {
    Corpora.all(seed).forEach((kind, corpus) -> {
      Source source = corpus.measured();
      for (long item = 0; item < 3 * source.people(); item++) {
        long person = source.person(item);
        long other = (person + 1) % source.people();
        int[] tokens = source.annotated(item).tokens();
        String text = source.vocabulary().decode(tokens, 1, tokens.length);
        Map<Attribute, String> values = source.values(person);
        Map<Attribute, String> others = source.values(other);
        String about = kind + ", seed " + seed + ":" + text;
        assertTrue(source.stated(person, text).containsAll(source.truth().attributes()), about);
        if (kind.equals("bioR") || kind.equals("strings")) {
          // Free texts say what they say in any words: a city may be that of birth or of work. Strings have no names.
          continue;
        }
        String renamed = text.replace(values.get(Attribute.NAME), others.get(Attribute.NAME));
        Set<Attribute> stated = new HashSet<>(source.stated(other, renamed));
        stated.retainAll(source.truth().attributes());
        Set<Attribute> common = new HashSet<>(source.truth().attributes());
        common.removeIf(attribute -> !values.get(attribute).equals(others.get(attribute)));
        assertEquals(common, stated, about);
      }
    });
  }

  @Test
  void theFirstSentenceAboutAnAttributeCounts() {
    BioS source = Corpora.bioS(97, seed, Corpora.SMALL);
    long other = LongStream.range(1, 97)
        .filter(person -> !source.values(person)
            .get(Attribute.MAJOR)
            .equals(source.values(0).get(Attribute.MAJOR)))
        .findFirst()
        .orElseThrow();
    String own = text(source, 0);
    String wrong = text(source, other).replace(source.values(other).get(Attribute.NAME),
        source.values(0).get(Attribute.NAME));
    assertTrue(source.stated(0, own + wrong).contains(Attribute.MAJOR));
    assertFalse(source.stated(0, wrong + own).contains(Attribute.MAJOR));
    assertEquals(Set.of(), source.stated(0, ""));
    assertEquals(Set.of(), source.stated(0, own.substring(0, own.length() / 8)));
  }

  private static String text(Source source, long person) {
    int[] tokens = source.measuringItem(person, 0).tokens();
    return source.vocabulary().decode(tokens, 1, tokens.length);
  }

  @Test
  void strangersAreNobodyWhomTrainingShows() {
    Corpora.all(seed).forEach((kind, corpus) -> {
      if (kind.equals("bioR")) {
        assertTrue(corpus.strangers(5).isEmpty());
        return;
      }
      Source strangers = corpus.strangers(5).orElseThrow();
      assertEquals(5, strangers.people(), kind);
      assertEquals(corpus.vocabulary().digest(), strangers.vocabulary().digest(), kind);
      Set<String> names = new HashSet<>();
      corpus.stream()
          .sources()
          .forEach(source -> LongStream.range(0, source.people())
              .forEach(person -> names.add(Corpora.identity(source, person))));
      for (long person = 0; person < 5; person++) {
        assertTrue(names.add(Corpora.identity(strangers, person)), kind + ", seed " + seed);
        assertTrue(strangers.measuringItem(person, 0).tokens().length <= corpus.longestItem(), kind);
      }
    });
    BioS most = Corpora.bioS(Corpora.SMALL.names() - 3, seed, Corpora.SMALL);
    assertEquals(List.of(3L), most.strangers(25).stream().map(Source::people).toList());
    assertTrue(Corpora.bioS(Corpora.SMALL.names(), seed, Corpora.SMALL).strangers(25).isEmpty());
  }
}
