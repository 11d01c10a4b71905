package org.knowcap.generators.bios;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.math3.stat.descriptive.SummaryStatistics;
import org.apache.commons.math3.stat.inference.ChiSquareTest;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.tokens.Gpt2;
import org.knowcap.testing.TestSeed;

class BioSTest {
  private static final PoolSizes SMALL = new PoolSizes(5, 4, 10, 3, 4, 5, 6, 7, 8, 9);
  /** At the paper's sizes, with people enough to meet every entry of every pool. */
  private static final BioS PAPER = corpus(20_000, 11, PoolSizes.PAPER);

  @Test
  void namesAreUniqueUpToTheWholeNameSpace() {
    long seed = TestSeed.value();
    BioS everybody = corpus(SMALL.names(), seed, SMALL);
    Set<String> names = new HashSet<>();
    for (long person = 0; person < everybody.people(); person++) {
      assertTrue(names.add(everybody.values(person).get(Attribute.NAME)),
          "seed " + seed + ", person " + person);
    }
  }

  @Test
  void aPersonIsTheSameHoweverManyThereAre() {
    assertEquals(corpus(3, 7, SMALL).values(2), corpus(200, 7, SMALL).values(2));
    assertNotEquals(corpus(3, 7, SMALL).values(2), corpus(3, 8, SMALL).values(2));
  }

  @Test
  void eachRoundHoldsEveryPersonOnceInAnOrderOfItsOwn() {
    long seed = TestSeed.value();
    for (int people : new int[]{1, 2, 3, 64, 97}) {
      BioS corpus = corpus(people, seed, SMALL);
      Set<List<Long>> orders = new HashSet<>();
      for (int round = 0; round < 5; round++) {
        Long[] order = new Long[people];
        BitSet seen = new BitSet();
        for (int i = 0; i < people; i++) {
          order[i] = corpus.person((long) round * people + i);
          seen.set(order[i].intValue());
        }
        assertEquals(people, seen.cardinality(), "seed " + seed + ", round " + round);
        orders.add(List.of(order));
      }
      assertTrue(people < 64 || orders.size() == 5, "seed " + seed);
    }
  }

  @Test
  void spansDecodeToTheValuesForEveryEntryOfEveryPool() {
    Map<Attribute, Set<String>> seen = new HashMap<>();
    for (long item = 0; item < PAPER.people(); item++) {
      Map<Attribute, String> values = PAPER.values(PAPER.person(item));
      Map<Attribute, String> read = read(PAPER, PAPER.annotated(item));
      read.forEach((attribute, value) -> assertEquals(inSpans(attribute, values.get(attribute)), value));
      assertEquals(values.keySet(), read.keySet());
      values.forEach((attribute, value) -> seen.computeIfAbsent(attribute, _ -> new HashSet<>()).add(value));
      seen.computeIfAbsent(Attribute.NAME, _ -> new HashSet<>())
          .addAll(List.of(values.get(Attribute.NAME).split(" ")));
    }
    assertEquals(200, seen.get(Attribute.BIRTH_CITY).size());
    assertEquals(300, seen.get(Attribute.UNIVERSITY).size());
    assertEquals(100, seen.get(Attribute.MAJOR).size());
    assertEquals(263, seen.get(Attribute.EMPLOYER).size());
    assertEquals(2, seen.get(Attribute.GENDER).size());
    Pools pools = Pools.shipped(PoolSizes.PAPER);
    for (List<String> names : List.of(pools.first(), pools.middle(), pools.last())) {
      assertTrue(seen.get(Attribute.NAME).containsAll(names));
    }
  }

  @Test
  void anItemIsTheEndOfTextAndWhatGpt2MakesOfItsText() {
    for (long item = 0; item < 3000; item++) {
      int[] tokens = PAPER.annotated(item).tokens();
      assertEquals(PAPER.vocabulary().eos(), tokens[0]);
      String text = PAPER.vocabulary().decode(tokens, 1, tokens.length);
      assertArrayEquals(Arrays.stream(Gpt2.encode(text)).map(PAPER.vocabulary()::token).toArray(),
          Arrays.copyOfRange(tokens, 1, tokens.length), text);
      assertTrue(text.matches("( \\S+)+"), text);
    }
  }

  @Test
  void writingIsTheSameAsAnnotatingAndFitsTheLongestItem() {
    SummaryStatistics lengths = new SummaryStatistics();
    int[] buffer = new int[PAPER.longestItem() + 3];
    for (long item = 0; item < PAPER.people(); item++) {
      int length = PAPER.write(item, buffer, 3);
      assertArrayEquals(PAPER.annotated(item).tokens(), Arrays.copyOfRange(buffer, 3, 3 + length));
      lengths.addValue(length);
    }
    double standardError = lengths.getStandardDeviation() / Math.sqrt(lengths.getN());
    assertEquals(PAPER.meanItemTokens(), lengths.getMean(), 5 * standardError);
    assertTrue(lengths.getMax() <= PAPER.longestItem());
  }

  @Test
  void theVocabularyIsExactlyWhatOccurs() {
    BioS corpus = corpus(SMALL.names(), 3, SMALL);
    BitSet seen = new BitSet();
    for (long item = 0; item < 50 * corpus.people(); item++) {
      Arrays.stream(corpus.annotated(item).tokens()).forEach(seen::set);
    }
    assertEquals(corpus.vocabulary().size(), seen.cardinality());
  }

  /** With fixed seeds: every value of every pool equally often, and every order of the sentences. */
  @Test
  void valuesAndOrdersAreUniform() {
    BioS people = corpus(160_000, 1, PoolSizes.PAPER);
    Map<Attribute, Map<String, Long>> values = new HashMap<>();
    for (long person = 0; person < people.people(); person++) {
      people.values(person)
          .forEach((attribute, value) -> values.computeIfAbsent(attribute, _ -> new HashMap<>())
              .merge(value, 1L, Long::sum));
    }
    assertUniform(200, values.get(Attribute.BIRTH_CITY));
    assertUniform(300, values.get(Attribute.UNIVERSITY));
    assertUniform(100, values.get(Attribute.MAJOR));
    assertUniform(263, values.get(Attribute.EMPLOYER));
    assertUniform(2, values.get(Attribute.GENDER));
    assertUniform(12, grouped(values.get(Attribute.BIRTH_DATE), "( .*)"));
    assertUniform(28, grouped(values.get(Attribute.BIRTH_DATE), "(^\\S+ |,.*)"));
    assertUniform(200, grouped(values.get(Attribute.BIRTH_DATE), "(.*, )"));
    assertUniform(400, grouped(values.get(Attribute.NAME), "( .*)"));
    assertUniform(1000, grouped(values.get(Attribute.NAME), "(.* )"));

    BioS one = corpus(1, 2, SMALL);
    Map<String, Long> orders = new HashMap<>();
    Map<String, Long> measuringOrders = new HashMap<>();
    for (long draw = 0; draw < 72_000; draw++) {
      orders.merge(order(one.annotated(draw)), 1L, Long::sum);
      measuringOrders.merge(order(one.measuringItem(0, draw)), 1L, Long::sum);
    }
    assertUniform(720, orders);
    assertUniform(360, measuringOrders);
  }

  @Test
  void aMeasuredTextTellsTheEmployerBeforeItsCityAndIsNoTrainingText() {
    BioS corpus = corpus(100, 4, PoolSizes.PAPER);
    for (long person = 0; person < 100; person++) {
      AnnotatedItem measured = corpus.measuringItem(person, 0);
      assertEquals(corpus.values(person).get(Attribute.NAME), read(corpus, measured).get(Attribute.NAME));
      String order = order(measured);
      assertTrue(order.indexOf("employer ") < order.indexOf("employer_city "), order);
      assertEquals(10, measured.spans().size());
      assertEquals(KnowledgeKind.NAME, measured.spans().getFirst().kind());
      assertEquals(9, measured.spans().stream().filter(span -> span.kind() != KnowledgeKind.IMPLIED).count());
      assertFalse(Arrays.equals(measured.tokens(), corpus.measuringItem(person, 1).tokens()));
    }
  }

  @Test
  void theDigestTellsCorporaApart() {
    Set<String> digests = new HashSet<>();
    Pools pools = Pools.shipped(SMALL);
    Templates templates = Templates.shipped();
    digests.add(corpus(10, 1, SMALL).digest());
    digests.add(corpus(11, 1, SMALL).digest());
    digests.add(corpus(10, 2, SMALL).digest());
    digests.add(corpus(10, 1, new PoolSizes(5, 4, 10, 3, 4, 5, 6, 7, 9, 9)).digest());
    Pools otherMajors = new Pools(pools.first(), pools.middle(), pools.last(), pools.months(), pools.days(),
        pools.years(), pools.birthCities(), pools.universities(), pools.majors().reversed(),
        pools.employers());
    digests.add(new BioS(10, 1, otherMajors, templates).digest());
    Templates otherTemplates = new Templates(templates.birthDate(), templates.birthCity(),
        templates.university(), templates.major().reversed(), templates.employer(), templates.employerCity());
    digests.add(new BioS(10, 1, pools, otherTemplates).digest());
    assertEquals(6, digests.size());
    assertEquals(corpus(10, 1, SMALL).digest(), corpus(10, 1, SMALL).digest());
  }

  @Test
  void moreOrFewerPeopleThanNamesAreRefused() {
    IllegalArgumentException fault = assertThrows(IllegalArgumentException.class,
        () -> corpus(201, 1, SMALL));
    assertEquals(
        "people must be 1..200, found 201: no two share a name, and the pools hold 5 first, 4 middle and "
            + "10 last names",
        fault.getMessage());
    assertThrows(IllegalArgumentException.class, () -> corpus(0, 1, SMALL));
  }

  private static BioS corpus(long people, long seed, PoolSizes sizes) {
    return new BioS(people, seed, Pools.shipped(sizes), Templates.shipped());
  }

  /** The text of each attribute's spans, end to end. */
  private static Map<Attribute, String> read(BioS corpus, AnnotatedItem item) {
    Map<Attribute, String> read = new HashMap<>();
    for (Span span : item.spans()) {
      read.merge(span.attribute(), corpus.vocabulary().decode(item.tokens(), span.start(), span.end()),
          String::concat);
    }
    read.replaceAll((_, text) -> text.substring(1));
    return read;
  }

  /** A birth date's comma belongs to no span. */
  private static String inSpans(Attribute attribute, String value) {
    return attribute.equals(Attribute.BIRTH_DATE) ? value.replace(",", "") : value;
  }

  private static String order(AnnotatedItem item) {
    StringBuilder order = new StringBuilder();
    for (Span span : item.spans()) {
      if (!span.attribute().equals(Attribute.GENDER) && order.indexOf(span.attribute().key() + " ") < 0) {
        order.append(span.attribute().key()).append(' ');
      }
    }
    return order.toString();
  }

  private static Map<String, Long> grouped(Map<String, Long> counts, String removed) {
    Map<String, Long> groups = new HashMap<>();
    counts.forEach((value, count) -> groups.merge(value.replaceAll(removed, ""), count, Long::sum));
    return groups;
  }

  private static void assertUniform(int size, Map<String, Long> counts) {
    assertEquals(size, counts.size());
    long[] observed = counts.values().stream().mapToLong(Long::longValue).toArray();
    double[] expected = new double[size];
    Arrays.fill(expected, Arrays.stream(observed).average().orElseThrow());
    double p = new ChiSquareTest().chiSquareTest(expected, observed);
    assertTrue(p > 1e-4, "p " + p + " of " + size);
  }
}
