package org.knowcap.generators.corpus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.commons.math3.stat.descriptive.SummaryStatistics;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.export.TextWriter;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.strings.RandomStrings;
import org.knowcap.testing.TestSeed;

/** What holds for all kinds of corpora alike. */
class EveryKindTest {
  private static final int ROUNDS = 20;

  private final long seed = TestSeed.value();

  @Test
  void everyPersonHasANameOfItsOwnAndOccursOnceARound() {
    forEachSource((kind, source) -> {
      int people = (int) source.people();
      Set<String> names = new HashSet<>();
      Set<Long> firsts = new HashSet<>();
      for (long round = 0; round < ROUNDS; round++) {
        BitSet seen = new BitSet();
        for (int place = 0; place < people; place++) {
          seen.set((int) source.person(round * people + place));
        }
        assertEquals(people, seen.cardinality(), kind);
        assertEquals(people, seen.length(), kind);
        firsts.add(source.person(round * people));
      }
      for (long person = 0; person < people; person++) {
        names.add(Corpora.identity(source, person));
      }
      assertEquals(people, names.size(), kind);
      assertTrue(firsts.size() > ROUNDS / 4, kind + ": the order stays the same");
    });
  }

  /** Of the training stream and of measured texts; and a name comes right behind what every item begins with. */
  @Test
  void spansTellExactlyWhatIsTrue() {
    forEachSource((kind, source) -> {
      for (long item = 0; item < ROUNDS * source.people(); item++) {
        long person = source.person(item);
        assertEquals(Corpora.truth(source, person), Corpora.read(source, source.annotated(item)), kind);
        AnnotatedItem measured = source.measuringItem(person, item);
        assertEquals(Corpora.truth(source, person), Corpora.read(source, measured), kind);
        Span name = measured.spans().getFirst();
        assertEquals(source.values(person).keySet().iterator().next(), name.attribute(), kind);
        assertEquals(source.parameters().getOrDefault("domain_token", ""),
            source.vocabulary().decode(measured.tokens(), 1, name.start()), kind);
      }
    });
  }

  /** What was tokenised for one source serves others: they are as if they had been made from the lists. */
  @Test
  void sourcesOfTheSameListsAreAsIfMadeAnew() {
    Map<GeneratedSource<?>, GeneratedSource<?>> equal = Map.of(
        Corpora.bioS(3, seed + 1, Corpora.SMALL).of(97, seed), Corpora.bioS(97, seed, Corpora.SMALL),
        Corpora.bioS(3, seed + 1, Corpora.SMALL).from(5).simple().of(97, seed),
        Corpora.bioS(97, seed, Corpora.SMALL).simple(), Corpora.bioD(3, seed + 1, Corpora.SHAPE).of(97, seed),
        Corpora.bioD(97, seed, Corpora.SHAPE));
    equal.forEach((derived, made) -> {
      assertEquals(made.digest(), derived.digest());
      assertEquals(made.meanItemTokens(), derived.meanItemTokens());
      for (long item = 0; item < 3 * made.people(); item++) {
        assertArrayEquals(Corpora.item(made, item), Corpora.item(derived, item), made.name());
        assertEquals(made.values(item / 3), derived.values(item / 3));
        AnnotatedItem measured = derived.measuringItem(item / 3, item);
        assertArrayEquals(made.measuringItem(item / 3, item).tokens(), measured.tokens(), made.name());
        assertEquals(made.measuringItem(item / 3, item).spans(), measured.spans());
      }
    });
  }

  /** The seed of the order changes when people occur and in which texts, but nothing that is true or measured. */
  @Test
  void anotherOrderHasTheSamePeopleAndMeasuredTexts() {
    Corpora.all(seed).forEach((kind, corpus) -> {
      if (corpus instanceof GeneratedSource<?> source && !kind.contains("simple")
          && !kind.contains("one attribute")) {
        GeneratedSource<?> other = source.ordered(seed + 1);
        GeneratedSource<?> equal = source.ordered(seed);
        boolean orders = false;
        boolean texts = false;
        for (long person = 0; person < source.people(); person++) {
          assertEquals(source.values(person), other.values(person), kind);
          assertArrayEquals(source.measuringItem(person, 7).tokens(), other.measuringItem(person, 7).tokens(),
              kind);
          assertArrayEquals(source.annotated(person).tokens(), equal.annotated(person).tokens(), kind);
          orders |= source.person(person) != other.person(person);
          texts |= !Arrays.equals(source.annotated(person).tokens(),
              other.annotated(place(other, source.person(person))).tokens());
        }
        assertTrue(orders && texts, kind + ", seed " + seed);
        assertNotEquals(source.digest(), other.digest(), kind);
        assertEquals(source.digest(), equal.digest(), kind);
      }
    });
  }

  /** Where a person stands in the first round. */
  private static long place(Source source, long person) {
    return LongStream.range(0, source.people())
        .filter(place -> source.person(place) == person)
        .findFirst()
        .orElseThrow();
  }

  /** Each value counts once: a city before its employer counts with it, and one behind it does not. */
  @Test
  void everyPartCountsTheWholeKnowledgeOnce() {
    forEachSource((kind, source) -> {
      for (long item = 0; item < ROUNDS * source.people(); item++) {
        Map<KnowledgeKind, Integer> spans = new HashMap<>();
        boolean employerKnown = false;
        for (Span span : source.annotated(item).spans()) {
          if (span.attribute().equals(Attribute.EMPLOYER_CITY)) {
            assertEquals(employerKnown ? KnowledgeKind.IMPLIED : KnowledgeKind.VALUE, span.kind(), kind);
          } else {
            spans.merge(span.kind(), 1, Integer::sum);
          }
          employerKnown |= span.attribute().equals(Attribute.EMPLOYER);
        }
        Map<KnowledgeKind, Integer> expected = new HashMap<>(
            Map.of(KnowledgeKind.NAME, 1, KnowledgeKind.VALUE, 8));
        if (source instanceof RandomStrings) {
          expected = new HashMap<>(Map.of(KnowledgeKind.VALUE, 2));
        }
        for (KnowledgePart part : source.bits().parts()) {
          if (part.kind() == KnowledgeKind.FIRST_CHUNK) {
            expected.put(KnowledgeKind.VALUE, part.perItem());
            expected.put(KnowledgeKind.FIRST_CHUNK, part.perItem());
          }
        }
        assertEquals(expected, spans, kind);
      }
    });
  }

  @Test
  void anItemHasTheSameTokensForwardsBackwardsAndOnManyThreads() {
    forEachSource((kind, source) -> {
      int items = (int) (3 * source.people());
      int[][] forwards = LongStream.range(0, items)
          .mapToObj(item -> Corpora.item(source, item))
          .toArray(int[][]::new);
      int[][] parallel = LongStream.range(0, items)
          .parallel()
          .mapToObj(item -> Corpora.item(source, item))
          .toArray(int[][]::new);
      assertArrayEquals(forwards, parallel, kind);
      int[] buffer = new int[source.longestItem() + 2];
      for (int item = items - 1; item >= 0; item--) {
        int length = source.write(item, buffer, 2);
        assertArrayEquals(forwards[item], Arrays.copyOfRange(buffer, 2, 2 + length), kind);
        assertArrayEquals(forwards[item], source.annotated(item).tokens(), kind);
      }
    });
  }

  /** Of two shards, as an export writes them, through many rounds. */
  @Test
  void textIsWhatTheTokensStandFor() {
    forEachSource((kind, source) -> {
      long items = ROUNDS * source.people();
      StringBuilder expected = new StringBuilder();
      for (long item = 0; item < items; item++) {
        expected.append(Corpora.text(source, item)).append('\n');
      }
      ByteArrayOutputStream found = new ByteArrayOutputStream();
      long bytes = write(source, 0, items / 3, found) + write(source, items / 3, items, found);
      assertEquals(expected.toString(), found.toString(StandardCharsets.UTF_8), kind);
      assertEquals(found.size(), bytes, kind);
    });
  }

  private static long write(Source source, long from, long to, OutputStream out) {
    try {
      TextWriter writer = new TextWriter(source, from, out);
      long bytes = 0;
      for (long item = from; item < to; item++) {
        bytes += writer.write();
      }
      writer.flush();
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void lengthsAreAsForetold() {
    forEachSource((kind, source) -> {
      SummaryStatistics lengths = new SummaryStatistics();
      for (long item = 0; item < 50 * source.people(); item++) {
        lengths.addValue(Corpora.item(source, item).length);
      }
      // The mean is over all people that could be, of whom these are a few: hence the wide margin.
      assertEquals(source.meanItemTokens(), lengths.getMean(), 0.04 * source.meanItemTokens(), kind);
      assertTrue(lengths.getMax() <= source.longestItem(), kind);
    });
  }

  /** Each source's windows end to end are its items end to end, and any cursor goes on from there. */
  @Test
  void windowsAreTheSameFromAnyCursor() {
    Random random = new Random(seed);
    Corpora.all(seed).forEach((kind, corpus) -> {
      int window = 1 + random.nextInt(200);
      int windows = 2100;
      int[][] inputs = new int[windows][window];
      int[][] targets = new int[windows][window];
      Cursor[] cursors = new Cursor[windows];
      WindowReader reader = new WindowReader(corpus, window, Cursor.START);
      for (int w = 0; w < windows; w++) {
        cursors[w] = reader.cursor();
        reader.read(inputs[w], targets[w], 0);
      }
      for (int source = 0; source < corpus.stream().sources().size(); source++) {
        int[] stream = new int[windows * window + corpus.longestItem()];
        int end = 0;
        for (long item = 0; end <= windows * window; item++) {
          int[] tokens = Corpora.item(corpus.stream().sources().get(source), item);
          System.arraycopy(tokens, 0, stream, end, tokens.length);
          end += tokens.length;
        }
        int at = 0;
        for (int w = 0; w < windows; w++) {
          if (corpus.stream().sourceOf(w, Windows.cut(window)) == source) {
            assertArrayEquals(Arrays.copyOfRange(stream, at, at + window), inputs[w],
                kind + ", seed " + seed);
            at += window;
            assertArrayEquals(Arrays.copyOfRange(stream, at - window + 1, at + 1), targets[w],
                kind + ", seed " + seed);
          }
        }
      }
      // From each of them, in no order, on all threads.
      IntStream.range(0, windows).parallel().forEach(w -> {
        int[] again = new int[window];
        new WindowReader(corpus, window, Cursor.ofNumbers(cursors[w].toNumbers())).read(again,
            new int[window], 0);
        assertArrayEquals(inputs[w], again, kind + ", seed " + seed + ", window " + w);
      });
    });
  }

  @Test
  void noTwoCorporaHaveTheSameDigest() {
    Set<String> digests = new HashSet<>();
    Set<Map<String, Object>> parameters = new HashSet<>();
    Corpora.all(1).values().forEach(corpus -> {
      digests.add(corpus.digest());
      parameters.add(corpus.parameters());
    });
    Corpora.all(2).values().forEach(corpus -> digests.add(corpus.digest()));
    assertEquals(2 * Corpora.all(1).size(), digests.size());
    assertEquals(Corpora.all(1).size(), parameters.size());
    assertEquals(Corpora.mixture(1).digest(), Corpora.mixture(1).digest());
  }

  /** The first windows of each kind, in words and in tokens. */
  @Test
  void theFirstWindowsAreTheSameForEver() throws IOException {
    StringBuilder windows = new StringBuilder();
    Corpora.all(1).forEach((kind, corpus) -> {
      WindowReader reader = new WindowReader(corpus, 40, Cursor.START);
      windows.append(kind).append('\n');
      for (int window = 0; window < 6; window++) {
        int[] tokens = new int[40];
        reader.read(tokens, new int[40], 0);
        windows.append(corpus.vocabulary().decode(tokens, 0, tokens.length))
            .append('\n')
            .append(Arrays.toString(tokens))
            .append('\n');
      }
    });
    try (InputStream golden = getClass().getResourceAsStream("first-windows.txt")) {
      assertEquals(new String(golden.readAllBytes(), StandardCharsets.UTF_8), windows.toString());
    }
  }

  private void forEachSource(BiConsumer<String, Source> test) {
    Corpora.all(seed).forEach((kind, corpus) -> {
      for (Source source : corpus.stream().sources()) {
        test.accept(kind + ": " + source.name() + ", seed " + seed, source);
      }
    });
  }
}
