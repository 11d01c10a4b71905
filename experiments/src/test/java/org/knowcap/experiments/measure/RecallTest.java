package org.knowcap.experiments.measure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.capacity.AttributeRecall;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

/** Asks stand-ins that know some people by heart, each in a text of its own, and say nonsense of others. */
class RecallTest {
  private static final PoolSizes SIZES = new PoolSizes(6, 5, 12, 12, 28, 60, 40, 50, 30, 80);
  private static final int WINDOWS = 16;

  private final long seed = System.nanoTime();

  /**
   * Knows one text about each person it knows, whatever it is asked: behind a beginning of that text, its next token; of a
   * measured text, the true next token; else a token drawn from the number of those before.
   */
  private record Expert(Corpus corpus, Source source, Set<Long> known, Set<Attribute> wrong,
      Map<String, int[]> texts) implements Predictor {
    static Expert of(Corpus corpus, Set<Long> known, Set<Attribute> wrong) {
      Map<String, int[]> texts = new HashMap<>();
      for (long person : known) {
        AnnotatedItem item = corpus.measured().measuringItem(person, 77);
        int[] tokens = item.tokens().clone();
        for (Span span : item.spans()) {
          if (span.kind() == KnowledgeKind.VALUE && wrong.contains(span.attribute())) {
            // Another word of the text is no value of the attribute; of a gender only the other pronoun leaves a sentence.
            tokens[span.start()] = span.attribute() == Attribute.GENDER
                ? otherPronoun(corpus, tokens[span.start()])
                : tokens[item.spans().getFirst().start()];
          }
        }
        texts.put(name(item), tokens);
      }
      return new Expert(corpus, corpus.measured(), known, wrong, texts);
    }

    private static int otherPronoun(Corpus corpus, int pronoun) {
      return LongStream.range(0, corpus.measured().people())
          .mapToObj(person -> corpus.measured().measuringItem(person, 77))
          .flatMapToInt(item -> item.spans()
              .stream()
              .filter(span -> span.attribute() == Attribute.GENDER)
              .mapToInt(span -> item.tokens()[span.start()]))
          .filter(token -> token != pronoun)
          .findFirst()
          .orElseThrow();
    }

    private static String name(AnnotatedItem item) {
      return Arrays.toString(Arrays.copyOf(item.tokens(), item.spans().getFirst().end()));
    }

    @Override
    public void predict(int[] tokens, int[] predictions) {
      int length = tokens.length / WINDOWS;
      for (int row = 0; row < WINDOWS; row++) {
        int[] window = Arrays.copyOfRange(tokens, row * length, (row + 1) * length);
        int[] text = IntStream.rangeClosed(1, length)
            .mapToObj(end -> texts.get(Arrays.toString(Arrays.copyOf(window, end))))
            .filter(Objects::nonNull)
            .findFirst()
            .orElse(new int[0]);
        for (int place = 0; place < length; place++) {
          boolean along = place + 1 < text.length && Arrays.equals(window, 0, place + 1, text, 0, place + 1);
          predictions[row * length + place] = along
              ? text[place + 1]
              : place + 1 == text.length && Arrays.equals(window, 0, place + 1, text, 0, place + 1)
                  ? corpus.vocabulary().eos()
                  : Math.floorMod(Arrays.hashCode(Arrays.copyOf(window, place + 1)),
                      corpus.vocabulary().eos());
        }
      }
    }
  }

  private static Set<Long> some(long of, double share, Random random) {
    return new HashSet<>(LongStream.range(0, of).filter(i -> random.nextDouble() < share).boxed().toList());
  }

  private List<Corpus> corpora() {
    BioS bioS = new BioS(150, seed, Pools.shipped(SIZES), Templates.shipped());
    BioD bioD = new BioD(90, new BioDShape(3, 2, 10, 2, 7), seed, Pools.shipped(SIZES));
    return List.of(bioS, bioS.simple(), bioD, new Mixture(seed, List
        .of(new Mixture.Ingredient(bioS, 0.5, "wiki"), new Mixture.Ingredient(bioD.from(150), 0.5, "junk"))));
  }

  @Test
  void generatedIsTheShareOfPeopleThatAModelWritesFromTheNameAlone() {
    Random random = new Random(seed);
    for (Corpus corpus : corpora()) {
      List<Attribute> attributes = corpus.measured().truth().attributes();
      Set<Long> known = some(corpus.measured().people(), 0.4, random);
      Attribute slip = attributes.get(random.nextInt(attributes.size()));
      for (Set<Attribute> wrong : List.of(Set.<Attribute>of(), Set.of(slip))) {
        Recall recall = Recall.of(corpus, Long.MAX_VALUE, true, Expert.of(corpus, known, wrong));
        String what = corpus.name() + ", seed " + seed + ", wrong " + wrong;
        Answers generated = recall.generated().orElseThrow();
        for (int i = 0; i < generated.persons().size(); i++) {
          for (int k = 0; k < attributes.size(); k++) {
            boolean expected = known.contains(generated.persons().get(i))
                && !wrong.contains(attributes.get(k));
            assertEquals(expected, generated.right()[i][k],
                what + ", person " + generated.persons().get(i) + ", " + attributes.get(k));
          }
        }
        RecallShares shares = recall.shares();
        double share = wrong.isEmpty() ? known.size() / (double) corpus.measured().people() : 0;
        assertEquals(share, shares.generated(), 1e-12, what);
        assertEquals(0, shares.generatedUnseen(), what);
      }
    }
  }

  /** Knows some attributes of all people, and says the true word of everything but the others. */
  @Test
  void recalledIsTheShareOfPeopleWhoseValuesAreAllMostLikely() {
    Random random = new Random(seed);
    for (Corpus corpus : corpora()) {
      List<Attribute> attributes = corpus.measured().truth().attributes();
      MeasuredPeople people = MeasuredPeople.of(corpus, Long.MAX_VALUE);
      Map<String, boolean[]> knows = new HashMap<>();
      Map<String, AnnotatedItem> items = new HashMap<>();
      for (int i = 0; i < people.count(); i++) {
        boolean[] each = new boolean[attributes.size()];
        for (int k = 0; k < each.length; k++) {
          each[k] = random.nextDouble() < 0.8;
        }
        knows.put(Expert.name(people.item(i)), each);
        items.put(Expert.name(people.item(i)), people.item(i));
      }
      Predictor predictor = (tokens, predictions) -> {
        int length = tokens.length / WINDOWS;
        for (int row = 0; row < WINDOWS; row++) {
          int[] window = Arrays.copyOfRange(tokens, row * length, (row + 1) * length);
          int at = row * length;
          System.arraycopy(window, 1, predictions, at, length - 1);
          IntStream.rangeClosed(1, length)
              .mapToObj(end -> Arrays.toString(Arrays.copyOf(window, end)))
              .filter(items::containsKey)
              .findFirst()
              .ifPresent(name -> {
                for (Span span : items.get(name).spans()) {
                  int k = attributes.indexOf(span.attribute());
                  if (span.kind() == KnowledgeKind.VALUE && k >= 0 && !knows.get(name)[k]) {
                    // Any token of the value may be the one that is not known.
                    predictions[at + span.end() - 2]++;
                  }
                }
              });
        }
      };
      Recall recall = Recall.of(corpus, Long.MAX_VALUE, false, predictor);
      long all = knows.values()
          .stream()
          .filter(each -> IntStream.range(0, each.length).allMatch(k -> each[k]))
          .count();
      assertEquals(all / (double) people.count(), recall.shares().recalled(), 1e-12,
          corpus.name() + ", seed " + seed);
      for (int k = 0; k < attributes.size(); k++) {
        int attribute = k;
        AttributeRecall each = recall.byAttribute().get(k);
        assertEquals(attributes.get(k).key(), each.attribute());
        assertEquals(
            knows.values().stream().filter(known -> known[attribute]).count() / (double) people.count(),
            each.recalled(), 1e-12);
        assertEquals(1, each.recalledUnseen(), "this model says the true word of strangers too");
        assertTrue(Double.isNaN(each.generated()), "a model that looks ahead cannot write");
      }
    }
  }

  /** Of a model that is a function of the last two tokens and the place: drafts must not show in what it writes. */
  @Test
  void draftsChangeNothingButTheNumberOfPasses() {
    Random random = new Random(seed);
    int length = 40;
    int vocabulary = 23;
    long[] salt = {random.nextLong()};
    Predictor predictor = (tokens, predictions) -> {
      for (int i = 0; i < tokens.length; i++) {
        int before = i % length == 0 ? 0 : tokens[i - 1];
        long mixed = (tokens[i] * 31L + before + (i % length > 20 ? 7 : 0)) * 0x9e3779b97f4a7c15L + salt[0];
        predictions[i] = (int) Long.remainderUnsigned(mixed >>> 20, vocabulary);
      }
    };
    List<GreedyWriter.Start> starts = IntStream.range(0, 53)
        .mapToObj(i -> new GreedyWriter.Start(random.ints(1 + random.nextInt(5), 0, vocabulary).toArray(),
            random.ints(random.nextInt(60), 0, vocabulary).toArray()))
        .toList();
    for (int round = 0; round < 20; round++) {
      salt[0] = random.nextLong();
      GreedyWriter writer = new GreedyWriter(predictor, WINDOWS, length, vocabulary - 1);
      List<int[]> written = writer.write(starts);
      long tokens = 0;
      for (int i = 0; i < starts.size(); i++) {
        int[] expected = oneByOne(predictor, starts.get(i).start(), length, vocabulary - 1);
        assertArrayEquals(expected, written.get(i), "seed " + seed + ", text " + i);
        tokens += expected.length;
      }
      assertTrue(writer.passes() < tokens, "drafts save passes");
    }
  }

  private static int[] oneByOne(Predictor predictor, int[] start, int length, int eos) {
    int[] text = Arrays.copyOf(start, length + 1);
    int known = start.length;
    while (known <= length) {
      int[] tokens = new int[length];
      int[] predictions = new int[length];
      System.arraycopy(text, 0, tokens, 0, known);
      predictor.predict(tokens, predictions);
      if (predictions[known - 1] == eos) {
        break;
      }
      text[known] = predictions[known - 1];
      known++;
    }
    return Arrays.copyOf(text, known);
  }
}
