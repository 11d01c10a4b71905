package org.knowcap.experiments.measure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.jerolba.carpet.CarpetReader;
import com.jerolba.carpet.FieldMatchingStrategy;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.capacity.AttributeRecall;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.GroundTruth;
import org.knowcap.generators.corpus.Questions;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.questions.QuestionedCorpus;
import org.knowcap.generators.questions.Timing;
import org.knowcap.testing.TestSeed;

/** Asks stand-ins that know some people by heart, each in a text of its own, and say nonsense of others. */
class RecallTest {
  private static final PoolSizes SIZES = new PoolSizes(6, 5, 12, 12, 28, 60, 40, 50, 30, 80);
  private static final int WINDOWS = 16;

  private final long seed = TestSeed.value();

  /**
   * Knows one text about each person it knows, whatever it is asked: behind a beginning of that text, its next token; of a
   * measured text, the true next token; else a token drawn from the number of those before.
   */
  private record Expert(Corpus corpus, Source source, Set<Long> known, Set<Attribute> wrong,
      Map<String, int[]> texts, int longestName) implements Predictor {
    static Expert of(Corpus corpus, Set<Long> known, Set<Attribute> wrong) {
      Map<String, int[]> texts = new HashMap<>();
      int longestName = 0;
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
        longestName = Math.max(longestName, item.spans().getFirst().end());
      }
      return new Expert(corpus, corpus.measured(), known, wrong, texts, longestName);
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
        int[] text = IntStream.rangeClosed(1, Math.min(longestName, length))
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
            each.shares().recalled(), 1e-12);
        assertEquals(1, each.shares().recalledUnseen(), "this model says the true word of strangers too");
        assertTrue(Double.isNaN(each.shares().generated()), "a model that looks ahead cannot write");
      }
    }
  }

  /** Answers the questions about some people, and says true words but a wrong end about some others. */
  @Test
  void extractableIsTheShareOfTheOthersWhoseQuestionsAreAllAnswered() {
    Random random = new Random(seed);
    BioS bioS = new BioS(120, seed, Pools.shipped(SIZES), Templates.shipped());
    BioD bioD = new BioD(90, new BioDShape(3, 2, 10, 2, 7), seed, Pools.shipped(SIZES));
    for (Corpus corpus : List.of(new QuestionedCorpus(bioS, 0.5, new Timing.Mixed(1)),
        new QuestionedCorpus(bioD, 0.3, new Timing.Afterwards(2)))) {
      Questions questions = corpus.questions().orElseThrow();
      GroundTruth truth = corpus.measured().truth();
      Map<String, int[]> answers = new HashMap<>();
      Set<Long> known = some(truth.people(), 0.6, random);
      Set<Long> wordy = some(truth.people(), 0.2, random);
      for (long person = 0; person < truth.people(); person++) {
        for (Attribute attribute : questions.attributes()) {
          AnnotatedItem item = questions.item(truth, person, attribute);
          Span answer = item.spans().getLast();
          int[] text = Arrays.copyOf(item.tokens(), item.tokens().length + 1);
          text[text.length - 1] = wordy.contains(person) ? answer.start() : corpus.vocabulary().eos();
          if (known.contains(person)) {
            answers.put(Arrays.toString(Arrays.copyOf(item.tokens(), answer.start())), text);
          }
        }
      }
      Recall recall = Recall.of(corpus, Long.MAX_VALUE, true, (tokens, predictions) -> {
        int length = tokens.length / WINDOWS;
        for (int row = 0; row < WINDOWS; row++) {
          int[] window = Arrays.copyOfRange(tokens, row * length, (row + 1) * length);
          int at = row * length;
          IntStream.range(1, length)
              .mapToObj(end -> Arrays.toString(Arrays.copyOf(window, end)))
              .filter(answers::containsKey)
              .findFirst()
              .ifPresent(question -> {
                int[] text = answers.get(question);
                System.arraycopy(text, 1, predictions, at, Math.min(length, text.length - 1));
              });
        }
      });
      known.removeAll(wordy);
      long asked = questions.asked();
      long others = known.stream().filter(person -> person >= asked).count();
      String what = corpus.name() + ", seed " + seed;
      assertEquals(others / (double) (truth.people() - asked), recall.shares().extractable(), 1e-12, what);
      assertEquals((known.size() - others) / (double) asked, recall.shares().extractableAsked(), 1e-12, what);
      assertEquals(0, recall.shares().extractableUnseen(), what);
      assertTrue(Double.isNaN(Recall.of(bioS, 10, true, (_, _) -> {}).shares().extractable()));
    }
  }

  @Test
  void theTableOfPeopleHoldsWhatTheMeasurementSumsUp(@TempDir Path directory) throws Exception {
    BioS bioS = new BioS(70, seed, Pools.shipped(SIZES), Templates.shipped());
    Corpus corpus = new QuestionedCorpus(bioS, 0.5, new Timing.Mixed(1));
    Measurement.Scorer scorer = (tokens, targets, losses) -> {
      for (int i = 0; i < losses.length; i++) {
        losses[i] = targets[i] % 7 * 0.1f;
      }
    };
    Measurement measurement = Measurement.of(corpus, 50, scorer);
    Recall recall = Recall.of(corpus, 50, true, Expert.of(corpus, some(70, 0.5, new Random(seed)), Set.of()));
    PeopleTable table = PeopleTable.of(corpus, 50, scorer, recall);
    assertEquals(50 * 7, table.rows().size());
    assertEquals(50 * measurement.summary(KnowledgeKind.VALUE).mean(),
        table.rows()
            .stream()
            .filter(row -> !row.attribute().equals("name"))
            .mapToDouble(PersonValue::lossNats)
            .sum(),
        1e-6);
    assertEquals(50 * measurement.summary(KnowledgeKind.NAME).mean(),
        table.rows()
            .stream()
            .filter(row -> row.attribute().equals("name"))
            .mapToDouble(PersonValue::lossNats)
            .sum(),
        1e-6);
    assertEquals(50 * recall.generated().orElseThrow().of(Attribute.MAJOR).mean(),
        table.rows()
            .stream()
            .filter(row -> row.attribute().equals("major"))
            .mapToDouble(PersonValue::generated)
            .sum(),
        1e-9);
    table.rows().forEach(row -> {
      Map<Attribute, String> values = corpus.measured().values(row.person());
      assertEquals(values.get(Attribute.NAME), row.name());
      assertEquals(values.get(new Attribute(row.attribute())), row.value());
      assertEquals(row.attribute().equals("name") || row.attribute().equals("gender")
          ? Double.NaN
          : row.person() < 35 ? 1 : 0, row.asked());
    });
    Path file = directory.resolve("people.parquet");
    table.write(file);
    assertEquals(table.rows(),
        new CarpetReader<>(file.toFile(), PersonValue.class)
            .withFieldMatchingStrategy(FieldMatchingStrategy.SNAKE_CASE)
            .toList());
    List<String> defined = Files.readAllLines(Path.of("../docs/measuring.md"))
        .stream()
        .dropWhile(line -> !line.startsWith("| column of `--people`"))
        .skip(2)
        .takeWhile(line -> line.startsWith("|"))
        .map(line -> line.split("`")[1])
        .toList();
    assertEquals(new CarpetReader<>(file.toFile(), Map.class).iterator().next().keySet(),
        Set.copyOf(defined));
    assertEquals(9, defined.size());
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
        .mapToObj(i -> new GreedyWriter.Start(
            random.ints(i % 9 == 8 ? length + random.nextInt(3) : 1 + random.nextInt(5), 0, vocabulary)
                .toArray(),
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
    if (start.length > length) {
      return start;
    }
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

  /** A person is a trial: n - 1 as of any sample, and nothing to say of one person alone. */
  @Test
  void sharesHaveABinomialError() {
    List<Attribute> one = List.of(new Attribute("major"));
    boolean[][] right = {{true}, {false}, {false}, {true}, {false}};
    Answers.Share share = new Answers(one, List.of(0L, 1L, 2L, 3L, 4L), right).all();
    // Standard deviation of 1, 0, 0, 1, 0 with Bessel's correction, over the root of five.
    double mean = 0.4;
    double variance = (2 * (1 - mean) * (1 - mean) + 3 * mean * mean) / 4;
    assertEquals(mean, share.mean());
    assertEquals(Math.sqrt(variance / 5), share.standardError().orElseThrow(), 1e-15);
    assertTrue(new Answers(one, List.of(0L), new boolean[][]{{true}}).all().standardError().isEmpty());
  }
}
