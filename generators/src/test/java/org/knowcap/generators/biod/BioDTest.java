package org.knowcap.generators.biod;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
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
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.testing.TestSeed;

class BioDTest {
  private static final BioDShape SHAPE = Corpora.SHAPE;

  @Test
  void aTextSaysWhatThePaperSays() {
    BioD corpus = Corpora.bioD(50, 1, SHAPE);
    for (long item = 0; item < 500; item++) {
      int[] tokens = Corpora.item(corpus, item);
      Map<Attribute, String> values = corpus.values(corpus.person(item));
      List<String> sentences = List
          .of(corpus.vocabulary().decode(tokens, 1, tokens.length).split("(?<=\\.)"));
      Set<String> expected = new HashSet<>();
      for (int id = 1; id <= SHAPE.attributes(); id++) {
        String subject = sentences.getFirst().contains(" ID " + id + " is")
            ? values.get(Attribute.NAME) + "'s"
            : "Their";
        expected.add(" " + subject + " ID " + id + " is " + values.get(Attribute.id(id)) + ".");
      }
      assertEquals(expected, new HashSet<>(sentences));
      assertEquals(SHAPE.attributes(), sentences.size());
    }
  }

  /** So its loss is p3: the first L symbols of the value, which the value's own span holds too. */
  @Test
  void theFirstChunkIsTheFirstStringOfItsValue() {
    BioD corpus = Corpora.bioD(50, 1, SHAPE);
    for (long person = 0; person < corpus.people(); person++) {
      Map<Attribute, Span> values = new HashMap<>();
      for (Span span : corpus.measuringItem(person, 0).spans()) {
        if (span.kind() == KnowledgeKind.VALUE) {
          assertEquals(SHAPE.chunks() * SHAPE.length(), span.end() - span.start());
          values.put(span.attribute(), span);
        } else if (span.kind() == KnowledgeKind.FIRST_CHUNK) {
          assertEquals(SHAPE.length(), span.end() - span.start());
          assertEquals(values.get(span.attribute()).start(), span.start());
        }
      }
      assertEquals(SHAPE.attributes(), values.size());
    }
  }

  @Test
  void everySymbolIsATokenAndNothingElseIsAdded() {
    BioD corpus = Corpora.bioD(50, 1, SHAPE);
    assertEquals(SHAPE.alphabet(), corpus.vocabulary().dedicated().size());
    assertEquals(corpus.vocabulary().gpt2Ids().length + SHAPE.alphabet(), corpus.vocabulary().size());
    long names = Corpora.SMALL.names();
    double total = 0;
    BioD everybody = Corpora.bioD(names, 1, SHAPE);
    for (long item = 0; item < names; item++) {
      total += Corpora.item(everybody, item).length;
    }
    assertEquals(total / names, everybody.meanItemTokens(), 1e-9);
  }

  /** With fixed seeds: the D strings among all sets of D, a value's chunks, and the sentences' orders. */
  @Test
  void stringsChunksAndOrdersAreUniform() {
    Map<Set<String>, Long> sets = new HashMap<>();
    for (int seed = 0; seed < 200; seed++) {
      DiversitySets strings = new DiversitySets(new CounterRandom(seed), new BioDShape(50, 1, 2, 1, 4));
      for (int attribute = 0; attribute < 50; attribute++) {
        Corpora.count(sets, Set.copyOf(strings(strings, new BioDShape(50, 1, 2, 1, 4), attribute)));
      }
    }
    Corpora.assertUniform(6, sets);

    BioD corpus = Corpora.bioD(200, 3, new BioDShape(50, 3, 4, 1, 4));
    Map<String, Long> values = new HashMap<>();
    for (long person = 0; person < corpus.people(); person++) {
      corpus.values(person).forEach((attribute, value) -> {
        if (!attribute.equals(Attribute.NAME)) {
          Corpora.count(values, value);
        }
      });
    }
    Corpora.assertUniform(64, values);

    BioD one = Corpora.bioD(1, 2, SHAPE);
    Map<List<Attribute>, Long> orders = new HashMap<>();
    for (long draw = 0; draw < 24_000; draw++) {
      Corpora.count(orders,
          one.annotated(draw)
              .spans()
              .stream()
              .filter(span -> span.kind() == KnowledgeKind.VALUE)
              .map(Span::attribute)
              .toList());
    }
    Corpora.assertUniform(120, orders);
  }

  /** Up to all strings there are, and far more than a long can count; and however they are drawn. */
  @Test
  void stringsAreDistinctFromTheFewestToTheMost() {
    long seed = TestSeed.value();
    for (BioDShape shape : List.of(new BioDShape(5, 1, 9, 2, 3), new BioDShape(50, 1, 20, 1, 20),
        new BioDShape(3, 1, 9_999, 4, 10), new BioDShape(3, 1, 10_000, 4, 10),
        new BioDShape(4, 1, 8, 3, 2))) {
      for (long mostPermuted : new long[]{0, Long.MAX_VALUE}) {
        assertDistinct(shape, new DiversitySets(new CounterRandom(seed), shape, mostPermuted), seed);
      }
    }
    for (BioDShape shape : List.of(new BioDShape(50, 1, 10_000, 50, 40_000),
        new BioDShape(7, 1, 300, 40, 3))) {
      assertDistinct(shape, new DiversitySets(new CounterRandom(seed), shape), seed);
    }
  }

  private static void assertDistinct(BioDShape shape, DiversitySets strings, long seed) {
    Set<Set<String>> sets = new HashSet<>();
    for (int attribute = 0; attribute < shape.attributes(); attribute++) {
      Set<String> distinct = new HashSet<>(strings(strings, shape, attribute));
      assertEquals(shape.diversity(), distinct.size(), shape + ", seed " + seed);
      sets.add(distinct);
    }
    assertTrue(Math.pow(shape.alphabet(), shape.length()) == shape.diversity() || sets.size() > 1,
        shape + ", seed " + seed);
  }

  private static List<String> strings(DiversitySets strings, BioDShape shape, int attribute) {
    int[] symbols = new int[shape.length()];
    return IntStream.range(0, shape.diversity()).mapToObj(string -> {
      strings.write(attribute, string, 0, symbols, 0);
      return Arrays.toString(symbols);
    }).toList();
  }

  /** The paper's widest: a text of 125,000 symbols, and T^L of 766 bits. */
  @Test
  void theEndsOfThePapersRangesWork() {
    BioD corpus = new BioD(20_000_000, new BioDShape(50, 50, 10_000, 50, 40_000), 1,
        Pools.shipped(PoolSizes.PAPER));
    AnnotatedItem measured = corpus.measuringItem(19_999_999, 0);
    assertEquals(Corpora.truth(corpus, 19_999_999), Corpora.read(corpus, measured));
    assertTrue(measured.tokens().length > 125_000 && measured.tokens().length <= corpus.longestItem());
    assertEquals(500_000 * (50 * Math.log(40_000) - Math.log(10_000)) / Math.log(2),
        corpus.bits().part("diversity").totalBits(), 1e-3);
    assertTrue(Double.isFinite(corpus.bits().entropyBits()));
  }

  @Test
  void aPersonIsTheSameHoweverManyThereAre() {
    assertEquals(Corpora.bioD(3, 7, SHAPE).values(2), Corpora.bioD(200, 7, SHAPE).values(2));
    assertEquals(Corpora.bioD(3, 7, SHAPE).from(2).values(0), Corpora.bioD(200, 7, SHAPE).values(2));
    assertNotEquals(Corpora.bioD(3, 7, SHAPE).values(2), Corpora.bioD(3, 8, SHAPE).values(2));
    assertEquals(Corpora.bioD(3, 7, SHAPE).values(2).get(Attribute.NAME),
        Corpora.bioS(3, 7, Corpora.SMALL).values(2).get(Attribute.NAME));
  }

  /** With a fixed seed: a share changes, in the attributes revised, to any of the D^C - 1 other values. */
  @Test
  void valuesCanBeRevised() {
    BioDShape shape = new BioDShape(3, 2, 2, 1, 2);
    PoolSizes names = new PoolSizes(20, 20, 100, 1, 1, 1, 1, 1, 1, 1);
    BioD before = new BioD(40_000, shape, 1, Pools.shipped(names));
    BioD after = before.revised(new Revision(0.25, Set.of(Attribute.id(2), Attribute.id(3)), 5));
    BioD unrevised = after.before();
    Map<String, Long> changes = new HashMap<>();
    int changed = 0;
    for (long person = 0; person < before.people(); person++) {
      Map<Attribute, String> old = before.values(person);
      Map<Attribute, String> now = after.values(person);
      assertEquals(old, unrevised.values(person));
      for (Attribute attribute : old.keySet()) {
        boolean revised = attribute.equals(Attribute.id(2)) || attribute.equals(Attribute.id(3));
        assertEquals(revised && after.isChanged(person), !old.get(attribute).equals(now.get(attribute)));
        if (revised && after.isChanged(person)) {
          Corpora.count(changes, attribute + " from " + old.get(attribute) + " to " + now.get(attribute));
        }
      }
      changed += after.isChanged(person) ? 1 : 0;
    }
    assertEquals(10_000, changed);
    assertEquals(30_000, after.unchanged().people());
    Corpora.assertUniform(2 * 4 * 3, changes);
    assertFault("a revision's attributes must be of [id_1, id_2, id_3], found [id_4]",
        () -> before.revised(new Revision(0.25, Set.of(Attribute.id(4)), 5)));
    assertFault("with a diversity (D) of 1 there is one value only, and it cannot be revised",
        () -> Corpora.bioD(9, 1, new BioDShape(1, 1, 1, 1, 1))
            .revised(new Revision(1, Set.of(Attribute.id(1)), 1)));
  }

  @Test
  void whatCannotBeIsRefused() {
    assertFault("diversity (D) must be at most T^L = 3^2 = 9, found 10: there are no more strings",
        () -> new BioDShape(1, 1, 10, 2, 3));
    assertFault("attributes (K) must be 1..50, found 51", () -> new BioDShape(51, 1, 1, 1, 1));
    assertFault("chunks (C) must be 1..50, found 0", () -> new BioDShape(1, 0, 1, 1, 1));
    assertFault("diversity (D) must be 1..10000, found 10001", () -> new BioDShape(1, 1, 10_001, 50, 50));
    assertFault("length (L) must be 1..50, found 51", () -> new BioDShape(1, 1, 1, 51, 1));
    assertFault("alphabet (T) must be 1..40000, found 40001", () -> new BioDShape(1, 1, 1, 1, 40_001));
    assertFault("people must be 1..200, found 201: no two share a name, and the pools hold 5 first, 4 middle "
        + "and 10 last names", () -> Corpora.bioD(201, 1, SHAPE));
  }

  private static void assertFault(String message, Runnable code) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, code::run).getMessage());
  }
}
