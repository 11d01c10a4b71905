package org.knowcap.generators.mixture;

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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpora;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.SideMeasurement;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.generators.people.Revision;
import org.knowcap.testing.TestSeed;

/** What is told before and after a change, and what is asked in the end. */
class RevisedCorpusTest {
  private static final int WINDOW = 100;
  private static final Revision REVISION = new Revision(0.3, Set.of(Attribute.EMPLOYER), 7);

  private final long seed = TestSeed.value();
  private final BioS people = Corpora.bioS(100, seed, Corpora.SMALL);

  private RevisedCorpus update(double replay) {
    return new RevisedCorpus(people, REVISION, 8, replay);
  }

  /** How often each employer is told of each person, in a stream of so many exposures. */
  private static Map<String, Map<String, Integer>> told(RevisedCorpus corpus, long exposures) {
    List<List<Integer>> streams = new ArrayList<>();
    corpus.stream().sources().forEach(_ -> streams.add(new ArrayList<>()));
    WindowReader reader = new WindowReader(corpus, WINDOW, Cursor.START);
    long windows = (long) Math.ceil(corpus.stream().tokens(exposures) / WINDOW);
    for (long window = 0; window < windows; window++) {
      int[] tokens = new int[WINDOW];
      reader.read(tokens, new int[WINDOW], 0);
      for (int token : tokens) {
        streams.get(corpus.stream().sourceOf(window, Windows.cut(WINDOW))).add(token);
      }
    }
    Map<String, Map<String, Integer>> told = new HashMap<>();
    Set<String> employers = new HashSet<>();
    for (long person = 0; person < corpus.measured().people(); person++) {
      employers.add(corpus.measured().values(person).get(Attribute.EMPLOYER));
      employers.add(((BioS) corpus.stream().sources().getFirst()).values(person).get(Attribute.EMPLOYER));
    }
    for (List<Integer> stream : streams) {
      String text = corpus.vocabulary()
          .decode(stream.stream().mapToInt(Integer::intValue).toArray(), 0, stream.size());
      for (String biography : text.split("<\\|endoftext\\|>")) {
        String[] words = biography.strip().split("('s)? ");
        if (words.length > 20) {
          String name = words[0] + " " + words[1] + " " + words[2].replace("'s", "");
          employers.stream()
              .filter(biography::contains)
              .forEach(each -> told.computeIfAbsent(name, _ -> new HashMap<>()).merge(each, 1, Integer::sum));
        }
      }
    }
    return told;
  }

  /** Each value as often as it should be, give or take the texts that the ends of the phases cut. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.5, 0.75})
  void eachValueIsToldAsOftenAsItsExposures(double replay) {
    RevisedCorpus corpus = update(replay);
    Map<String, Map<String, Integer>> told = told(corpus, 12);
    BioS revised = people.revised(REVISION);
    double others = 12 * 30 * replay / (1 - replay) / 70;
    for (long person = 0; person < 100; person++) {
      Map<Attribute, String> old = people.values(person);
      Map<Attribute, String> now = corpus.measured().values(person);
      Map<String, Integer> mine = told.get(now.get(Attribute.NAME));
      String message = now + " " + mine + ", seed " + seed;
      if (revised.isChanged(person)) {
        assertEquals(8, mine.getOrDefault(old.get(Attribute.EMPLOYER), 0), 1.1, message);
        assertEquals(12, mine.getOrDefault(now.get(Attribute.EMPLOYER), 0), 2.1, message);
      } else {
        assertEquals(old, now, message);
        assertEquals(8 + others, mine.get(now.get(Attribute.EMPLOYER)), 2.1, message);
      }
    }
  }

  @Test
  void nothingNewIsToldBeforeTheChangeAndNothingOldAfterIt() {
    RevisedCorpus corpus = update(0.5);
    long first = (long) Math.ceil(people.stream().tokens(8) / WINDOW);
    for (long window = 0; window < 4 * first; window++) {
      assertEquals(window < first, corpus.stream().sourceOf(window, Windows.cut(WINDOW)) == 0);
    }
    assertEquals(people.stream().tokens(8) + 2 * people.revised(REVISION).changed().stream().tokens(12),
        corpus.stream().tokens(12), 1e-6);
    assertEquals(people.bits(), corpus.measured().bits());
  }

  @Test
  void newOldAndUnchangedValuesAreAsked() {
    List<SideMeasurement> questions = update(0).sideMeasurements();
    assertEquals(List.of("new values", "old values", "unchanged values"),
        questions.stream().map(SideMeasurement::name).toList());
    assertEquals(List.of(30L, 30L, 70L), questions.stream().map(each -> each.source().people()).toList());
    for (SideMeasurement question : questions) {
      assertEquals(Math.log(9) / Math.log(2), question.uniformBits(), 1e-12);
      assertEquals(Set.of(Attribute.EMPLOYER, Attribute.EMPLOYER_CITY), question.attributes());
    }
    for (long person = 0; person < 30; person++) {
      Map<Attribute, String> now = questions.get(0).source().values(person);
      Map<Attribute, String> old = questions.get(1).source().values(person);
      assertNotEquals(now.get(Attribute.EMPLOYER), old.get(Attribute.EMPLOYER));
      assertEquals(now.get(Attribute.NAME), old.get(Attribute.NAME));
      assertEquals(now.get(Attribute.MAJOR), old.get(Attribute.MAJOR));
    }
    RevisedCorpus strings = new RevisedCorpus(Corpora.bioD(97, seed, Corpora.SHAPE),
        new Revision(1, Set.of(Attribute.id(2), Attribute.id(4)), 7), 3, 0);
    assertEquals(List.of("new values", "old values"),
        strings.sideMeasurements().stream().map(SideMeasurement::name).toList());
    assertEquals(2 * 3 * Math.log(20) / Math.log(2), strings.sideMeasurements().getFirst().uniformBits(),
        1e-12);
    Set<Attribute> all = Set.of(Attribute.GENDER, Attribute.BIRTH_DATE, Attribute.BIRTH_CITY,
        Attribute.UNIVERSITY, Attribute.MAJOR, Attribute.EMPLOYER);
    assertEquals(people.bits().part("values").uniformBits(),
        new RevisedCorpus(people, new Revision(0.5, all, 7), 3, 0).sideMeasurements()
            .getFirst()
            .uniformBits(),
        1e-12);
  }

  /** All texts about one changed person, then all about the next; replay lies between them as always. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.5})
  void editsFollowEachOther(double replay) {
    Corpus corpus = new RevisedCorpus(people, REVISION, 8, Replay.of(replay), true).forExposures(12);
    Source changed = corpus.stream().counted();
    assertEquals(30, changed.people());
    for (long item = 0; item < 30 * 12; item++) {
      assertEquals(item / 12, changed.person(item));
    }
    assertEquals(update(replay).stream().tokens(12), corpus.stream().tokens(12), 1e-6);
    List<SideMeasurement> measured = corpus.sideMeasurements();
    assertEquals(
        List.of("new values", "old values", "unchanged values", "new values, 0 later edits",
            "new values, 1 later edits", "new values, 2 to 3 later edits", "new values, 4 to 7 later edits",
            "new values, 8 to 15 later edits", "new values, 16 to 29 later edits"),
        measured.stream().map(SideMeasurement::name).toList());
    assertEquals(List.of(1L, 1L, 2L, 4L, 8L, 14L),
        measured.stream().skip(3).map(each -> each.source().people()).toList());
    // The last person has no later edit; the first has the most.
    assertArrayEquals(changed.measuringItem(29, 5).tokens(), unmixed(measured.get(3), 0));
    assertArrayEquals(changed.measuringItem(0, 5).tokens(), unmixed(measured.getLast(), 0));
    assertArrayEquals(changed.measuringItem(13, 5).tokens(), unmixed(measured.getLast(), 13));
    assertNotEquals(update(replay).digest(), corpus.digest());
  }

  private static int[] unmixed(SideMeasurement measurement, long person) {
    return measurement.source().measuringItem(person, 5).tokens();
  }

  @Test
  void whatIsWrongIsSaid() {
    Map<Double, String> replays = Map.of(-0.1, "replay must be a share from 0 to below 1, found -0.1", 1.0,
        "replay must be a share from 0 to below 1, found 1.0");
    replays.forEach((replay, told) -> assertEquals(told,
        assertThrows(IllegalArgumentException.class, () -> update(replay)).getMessage()));
    assertEquals("exposures before the change must be 0 or more, found -1",
        assertThrows(IllegalArgumentException.class, () -> new RevisedCorpus(people, REVISION, -1, 0))
            .getMessage());
    Revision all = new Revision(1, Set.of(Attribute.EMPLOYER), 7);
    assertEquals("there is nobody to replay: a share of 1.0 changes everybody",
        assertThrows(IllegalArgumentException.class, () -> new RevisedCorpus(people, all, 8, 0.5))
            .getMessage());
    String city = assertThrows(IllegalArgumentException.class,
        () -> new RevisedCorpus(people, new Revision(1, Set.of(Attribute.EMPLOYER_CITY), 7), 8, 0))
        .getMessage();
    assertTrue(city.contains("employer]") && city.endsWith("found [employer_city]"), city);
  }
}
