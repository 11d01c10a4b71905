package org.knowcap.generators.bios;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpora;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.people.Revision;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.testing.TestSeed;

/** bioS-simple, other people, and knowledge that changes. */
class DerivedBioSTest {
  private static final Set<Attribute> REVISED = Set.of(Attribute.EMPLOYER, Attribute.BIRTH_DATE);
  private static final Set<Attribute> TOLD = Set.of(Attribute.EMPLOYER, Attribute.EMPLOYER_CITY,
      Attribute.BIRTH_DATE);

  private final long seed = TestSeed.value();

  @Test
  void simpleHasOneTextAPersonWhichIsWhatIsMeasured() {
    BioS simple = Corpora.bioS(97, seed, PoolSizes.PAPER).simple();
    assertEquals("bioS-simple(97)", simple.name());
    Map<Long, int[]> texts = new HashMap<>();
    Set<Long> first = new HashSet<>();
    for (long item = 0; item < 97 * 20; item++) {
      long person = simple.person(item);
      int[] text = Corpora.item(simple, item);
      if (first.add(person)) {
        texts.put(person, text);
      }
      assertArrayEquals(texts.get(person), text, "seed " + seed);
      assertArrayEquals(texts.get(person), simple.measuringItem(person, item).tokens(), "seed " + seed);
    }
  }

  /** With the city in front, an employer would cost a model more or less than it does in bioS. */
  @Test
  void theEmployerIsMeasuredBeforeItsCity() {
    BioS corpus = Corpora.bioS(200, seed, Corpora.SMALL);
    for (BioS measured : List.of(corpus, corpus.simple(), Corpora.revised(corpus, 0.3).simple())) {
      for (long person = 0; person < 200; person++) {
        AnnotatedItem item = measured.measuringItem(person, 0);
        List<Attribute> order = item.spans().stream().map(Span::attribute).toList();
        assertTrue(order.indexOf(Attribute.EMPLOYER) < order.indexOf(Attribute.EMPLOYER_CITY),
            "seed " + seed);
        assertEquals(KnowledgeKind.IMPLIED, item.spans().get(order.indexOf(Attribute.EMPLOYER_CITY)).kind(),
            "seed " + seed);
      }
    }
  }

  @Test
  void otherPeopleAreThoseOfALargerCorpus() {
    BioS all = Corpora.bioS(200, seed, Corpora.SMALL);
    BioS others = Corpora.bioS(150, seed, Corpora.SMALL).from(50);
    for (long person = 0; person < 150; person++) {
      assertEquals(all.values(50 + person), others.values(person));
    }
  }

  @Test
  void exactlyTheShareChangesAndNothingElseDoes() {
    BioS before = Corpora.bioS(200, seed, Corpora.SMALL);
    BioS after = Corpora.revised(before, 0.3);
    int changed = 0;
    for (long person = 0; person < 200; person++) {
      Map<Attribute, String> old = before.values(person);
      Map<Attribute, String> now = after.values(person);
      assertEquals(old, after.before().values(person));
      for (Attribute attribute : old.keySet()) {
        boolean same = old.get(attribute).equals(now.get(attribute));
        // Two employers may have one city.
        assertTrue(attribute.equals(Attribute.EMPLOYER_CITY)
            || same != (after.isChanged(person) && REVISED.contains(attribute)), "seed " + seed);
        assertTrue(same || after.isChanged(person), "seed " + seed);
      }
      changed += after.isChanged(person) ? 1 : 0;
    }
    assertEquals(60, changed);
  }

  @Test
  void changedAndUnchangedPeopleAreAllPeople() {
    BioS after = Corpora.revised(Corpora.bioS(200, seed, Corpora.SMALL), 0.3);
    Set<Map<Attribute, String>> everybody = new HashSet<>();
    for (BioS group : List.of(after.changed(), after.unchanged())) {
      for (long person = 0; person < group.people(); person++) {
        assertEquals(group.people() == 60, group.isChanged(person));
        assertEquals(group.isChanged(person), !group.values(person).equals(group.before().values(person)));
        everybody.add(group.values(person));
      }
    }
    Set<Map<Attribute, String>> expected = new HashSet<>();
    for (long person = 0; person < 200; person++) {
      expected.add(after.values(person));
    }
    assertEquals(60, after.changed().people());
    assertEquals(140, after.unchanged().people());
    assertEquals(expected, everybody, "seed " + seed);
  }

  /** So a model can be asked for the old and the new value in the same words. */
  @Test
  void measuredTextsBeforeAndAfterDifferInTheChangedValuesOnly() {
    BioS after = Corpora.revised(Corpora.bioS(200, seed, Corpora.SMALL), 0.3).changed();
    for (long person = 0; person < after.people(); person++) {
      AnnotatedItem old = after.before().measuringItem(person, 3);
      AnnotatedItem now = after.measuringItem(person, 3);
      assertEquals(words(after, old), words(after, now), "seed " + seed);
      assertNotEquals(Corpora.read(after, old), Corpora.read(after, now));
    }
  }

  /** The text without the values that can change. */
  private static List<String> words(BioS corpus, AnnotatedItem measured) {
    List<String> words = new ArrayList<>();
    int at = 0;
    for (Span span : measured.spans()) {
      if (TOLD.contains(span.attribute())) {
        words.add(corpus.vocabulary().decode(measured.tokens(), at, span.start()));
        at = span.end();
      }
    }
    words.add(corpus.vocabulary().decode(measured.tokens(), at, measured.tokens().length));
    return words;
  }

  /** With a fixed seed: over all dates but the old one, though month, day and year are drawn apart. */
  @Test
  void aNewValueIsUniformOverAllOthers() {
    PoolSizes sizes = new PoolSizes(20, 20, 100, 2, 1, 3, 1, 2, 1, 5);
    BioS before = Corpora.bioS(40_000, 1, sizes);
    BioS after = before.revised(new Revision(0.5,
        Set.copyOf(List.of(Attribute.BIRTH_DATE, Attribute.EMPLOYER, Attribute.GENDER, Attribute.UNIVERSITY)),
        5));
    Map<String, Long> dates = new HashMap<>();
    Map<String, Long> employers = new HashMap<>();
    BioS changed = after.changed();
    for (long person = 0; person < changed.people(); person++) {
      Map<Attribute, String> old = changed.before().values(person);
      Map<Attribute, String> now = changed.values(person);
      Corpora.count(dates, old.get(Attribute.BIRTH_DATE) + " to " + now.get(Attribute.BIRTH_DATE));
      Corpora.count(employers, old.get(Attribute.EMPLOYER) + " to " + now.get(Attribute.EMPLOYER));
      assertNotEquals(old.get(Attribute.GENDER), now.get(Attribute.GENDER));
    }
    Corpora.assertUniform(6 * 5, dates);
    Corpora.assertUniform(5 * 4, employers);
  }

  @Test
  void revisionsFollowOneAnother() {
    BioS first = Corpora.bioS(200, seed, Corpora.SMALL);
    BioS second = Corpora.revised(first, 0.5);
    BioS third = second.revised(new Revision(0.5, Set.of(Attribute.EMPLOYER, Attribute.MAJOR), 6));
    assertEquals("bioS(200) version 3", third.name());
    for (long person = 0; person < 200; person++) {
      assertEquals(second.values(person), third.before().values(person));
      assertEquals(first.values(person), third.before().before().values(person));
      assertEquals(third.isChanged(person), !second.values(person).equals(third.values(person)));
    }
    assertTrue(
        IntStream.range(0, 200).anyMatch(person -> third.isChanged(person) && second.isChanged(person)));
    assertTrue(
        IntStream.range(0, 200).anyMatch(person -> third.isChanged(person) && !second.isChanged(person)));
  }

  @Test
  void whatCannotBeRevisedIsRefused() {
    BioS corpus = Corpora.bioS(200, 1, new PoolSizes(5, 4, 10, 1, 1, 1, 6, 7, 8, 9));
    assertFault("the share of people revised must be above 0 and at most 1, found 1.5",
        () -> new Revision(1.5, REVISED, 1));
    assertFault(
        "a revision's attributes must be of [gender, birth_date, birth_city, university, major, employer], "
            + "found [id_1, name]",
        () -> corpus.revised(new Revision(0.5, Set.of(Attribute.NAME, Attribute.id(1)), 1)));
    assertFault("a revision needs one or more attributes, found none", () -> new Revision(0.5, Set.of(), 1));
    assertFault("a share of 0.001 of 200 people is nobody: nothing is revised",
        () -> corpus.revised(new Revision(0.001, REVISED, 1)));
    assertFault("birth_date has one value only in these pools, and cannot be revised",
        () -> corpus.revised(new Revision(0.5, REVISED, 1)));
    assertThrows(IllegalStateException.class, corpus::before);
    assertThrows(IllegalStateException.class, corpus::changed);
    BioS all = corpus.revised(new Revision(1, Set.of(Attribute.MAJOR), 1));
    assertThrows(IllegalStateException.class, all::unchanged);
    assertThrows(IllegalStateException.class, () -> all.changed().revised(new Revision(1, REVISED, 1)));
  }

  private static void assertFault(String message, Runnable code) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, code::run).getMessage());
  }
}
