package org.knowcap.generators.questions;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpora;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.SideMeasurement;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.pools.Employer;
import org.knowcap.generators.tokens.Gpt2;
import org.knowcap.testing.TestSeed;

/** Two hops and reversed questions: what training tells, what it never tells, and what is asked. */
class MoreQuestionsTest {
  private static final int PEOPLE = 60;

  private final long seed = TestSeed.value();
  private final BioS people = Corpora.bioS(PEOPLE, seed, Corpora.SMALL);
  private final QuestionedCorpus corpus = new QuestionedCorpus(people, 0.5, new Timing.Mixed(1),
      new MoreQuestions(true, true));

  private String text(AnnotatedItem item) {
    return corpus.vocabulary().decode(item.tokens(), 1, item.tokens().length);
  }

  private static String answer(Corpus corpus, AnnotatedItem item) {
    Span span = item.spans().getLast();
    return corpus.vocabulary().decode(item.tokens(), span.start(), span.end()).strip();
  }

  private SideMeasurement measurement(String name) {
    return corpus.sideMeasurements()
        .stream()
        .filter(each -> each.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** Nothing that training reads has the city behind the name of a person who is not asked about. */
  @Test
  void theCityIsNeverToldOfOthers() {
    Source biographies = corpus.stream().sources().getFirst();
    List<String> cities = people.pools().employers().stream().map(Employer::city).toList();
    for (long item = 0; item < 20 * PEOPLE; item++) {
      AnnotatedItem biography = biographies.annotated(item);
      assertTrue(
          biography.spans().stream().noneMatch(span -> span.attribute().equals(Attribute.EMPLOYER_CITY)));
      String text = text(biography);
      String birthCity = people.values(biographies.person(item)).get(Attribute.BIRTH_CITY);
      cities.stream()
          .filter(city -> !city.equals(birthCity))
          .forEach(city -> assertFalse(text.contains(city + " ") || text.contains(city + "."), text));
    }
    assertEquals(people.bits(), corpus.measured().bits());
    Source others = corpus.stream().sources().getLast();
    for (long item = 0; item < others.people(); item++) {
      String text = text(others.annotated(item));
      for (long person = corpus.questions().orElseThrow().asked(); person < PEOPLE; person++) {
        assertFalse(text.contains(people.values(person).get(Attribute.NAME)), text);
      }
    }
  }

  @Test
  void everyQuestionAndEveryEmployerOccursOnceInARound() {
    Source others = corpus.stream().sources().getLast();
    int asked = PEOPLE / 2;
    int employers = people.pools().employers().size();
    assertEquals(asked * 7 + employers, others.people());
    Map<String, Integer> seen = new HashMap<>();
    double[] counted = new double[others.layout().lengths().length];
    for (long item = 0; item < others.people(); item++) {
      AnnotatedItem told = others.annotated(item);
      String text = text(told);
      seen.merge(text, 1, Integer::sum);
      assertArrayEquals(Arrays.stream(Gpt2.encode(text)).map(corpus.vocabulary()::token).toArray(),
          Arrays.copyOfRange(told.tokens(), 1, told.tokens().length), text);
      counted[told.tokens().length] += 1.0 / others.people();
      long row = others.person(item);
      assertEquals(1, others.stated(row, text).size(), text);
    }
    assertEquals(others.people(), seen.size());
    seen.forEach((text, times) -> assertEquals(1, times, text));
    for (Employer employer : people.pools().employers()) {
      assertEquals(1, seen.get(" The head office of " + employer.name() + " is in " + employer.city()));
    }
    Map<Attribute, String> first = people.values(0);
    assertEquals(1, seen.get(" In which city does " + first.get(Attribute.NAME) + " work? Answer: "
        + first.get(Attribute.EMPLOYER_CITY)));
    assertEquals(1,
        seen.get(" Who was born on " + first.get(Attribute.BIRTH_DATE) + " in "
            + first.get(Attribute.BIRTH_CITY) + ", studied " + first.get(Attribute.MAJOR) + " at "
            + first.get(Attribute.UNIVERSITY) + " and works for " + first.get(Attribute.EMPLOYER)
            + "? Answer: " + first.get(Attribute.NAME)));
    double mean = 0;
    for (int length = 0; length < counted.length; length++) {
      mean += length * counted[length];
    }
    // Thirty people are drawn; the lists of employers and cities are told whole.
    assertEquals(others.meanItemTokens(), mean, 0.05 * mean);
    assertEquals(1, Arrays.stream(others.layout().lengths()).sum(), 1e-9);
  }

  @Test
  void whatIsAskedIsTrueAndItsBitsAreKnown() {
    assertEquals(
        List.of("two hops, not asked", "two hops, asked", "two hops, never seen", "employers' cities",
            "reversed, not asked", "reversed, asked", "reversed, never seen"),
        corpus.sideMeasurements().stream().map(SideMeasurement::name).toList());
    for (long person = 0; person < PEOPLE / 2; person++) {
      AnnotatedItem hops = measurement("two hops, not asked").source().measuringItem(person, 3);
      assertEquals(people.values(PEOPLE / 2 + person).get(Attribute.EMPLOYER_CITY), answer(corpus, hops));
      assertTrue(text(hops).contains(people.values(PEOPLE / 2 + person).get(Attribute.NAME)));
      AnnotatedItem reversed = measurement("reversed, asked").source().measuringItem(person, 3);
      assertEquals(people.values(person).get(Attribute.NAME), answer(corpus, reversed));
      String stranger = text(measurement("two hops, never seen").source().measuringItem(person, 3));
      for (long known = 0; known < PEOPLE; known++) {
        assertFalse(stranger.contains(people.values(known).get(Attribute.NAME)), stranger);
      }
    }
    assertEquals(Math.log(200) / Math.log(2), measurement("reversed, not asked").uniformBits(), 1e-9);
    // Sum of p log2 1/p over cities: employers may share one.
    List<String> cities = people.pools().employers().stream().map(Employer::city).toList();
    double entropy = cities.stream()
        .mapToDouble(city -> Math.log((double) cities.size() / cities.stream().filter(city::equals).count())
            / Math.log(2) / cities.size())
        .sum();
    assertEquals(entropy, measurement("two hops, asked").uniformBits(), 1e-9);
    for (SideMeasurement each : corpus.sideMeasurements()) {
      assertEquals(corpus.longestItem(), each.source().longestItem());
    }
  }

  @Test
  void questionsOfEarlierVersionsAreAsTheyWere() {
    QuestionedCorpus plain = new QuestionedCorpus(people, 0.5, new Timing.Mixed(1), MoreQuestions.NONE);
    assertEquals(new QuestionedCorpus(people, 0.5, new Timing.Mixed(1)).digest(), plain.digest());
    assertTrue(plain.sideMeasurements().isEmpty());
    assertEquals(PEOPLE / 2 * 5, plain.stream().sources().getLast().people());
    QuestionedCorpus backwards = new QuestionedCorpus(people, 0.5, new Timing.Mixed(1),
        new MoreQuestions(false, true));
    assertEquals(3, backwards.sideMeasurements().size());
    assertEquals(people.meanItemTokens(), backwards.measured().meanItemTokens());
    assertTrue(corpus.measured().meanItemTokens() < people.meanItemTokens() - 5);
    assertEquals(
        "two hops and reversed questions are about the people of bioS, found bioD(9, 5, 3, 20, 2, 7)",
        assertThrows(IllegalArgumentException.class,
            () -> new QuestionedCorpus(Corpora.bioD(9, seed, Corpora.SHAPE), 0.5, new Timing.Mixed(1),
                new MoreQuestions(true, false)))
            .getMessage());
  }
}
