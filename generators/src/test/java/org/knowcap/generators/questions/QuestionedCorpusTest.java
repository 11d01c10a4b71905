package org.knowcap.generators.questions;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.math3.stat.descriptive.SummaryStatistics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpora;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.generators.corpus.Questions;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.corpus.TrainingStream;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.tokens.Gpt2;
import org.knowcap.testing.TestSeed;

class QuestionedCorpusTest {
  private final long seed = TestSeed.value();

  @Test
  void aQuestionIsWhatGpt2MakesOfItsTextAndTheAnswerIsTrue() {
    BioS bioS = Corpora.bioS(3000, seed, PoolSizes.PAPER);
    QuestionedCorpus corpus = new QuestionedCorpus(bioS, 0.5, new Timing.Mixed(1));
    Questions questions = corpus.questions().orElseThrow();
    assertEquals(List.of(Attribute.BIRTH_DATE, Attribute.BIRTH_CITY, Attribute.UNIVERSITY, Attribute.MAJOR,
        Attribute.EMPLOYER), questions.attributes());
    for (long person = 0; person < bioS.people(); person++) {
      Map<Attribute, String> values = bioS.values(person);
      for (Attribute attribute : questions.attributes()) {
        AnnotatedItem item = questions.item(bioS.truth(), person, attribute);
        String text = corpus.vocabulary().decode(item.tokens(), 1, item.tokens().length);
        assertTrue(text.endsWith("? Answer: " + values.get(attribute)), text);
        assertArrayEquals(Arrays.stream(Gpt2.encode(text)).map(corpus.vocabulary()::token).toArray(),
            Arrays.copyOfRange(item.tokens(), 1, item.tokens().length), text);
        Span name = item.spans().getFirst();
        assertEquals(" " + values.get(Attribute.NAME),
            corpus.vocabulary().decode(item.tokens(), name.start(), name.end()));
        Span answer = item.spans().getLast();
        assertEquals(" " + values.get(attribute),
            corpus.vocabulary().decode(item.tokens(), answer.start(), answer.end()));
        assertTrue(item.tokens().length <= corpus.longestItem());
      }
    }
  }

  @Test
  void onlySomePeopleAreAskedAboutEachQuestionAsOftenAsIsSaid() {
    BioD bioD = Corpora.bioD(40, seed, Corpora.SHAPE);
    QuestionedCorpus corpus = new QuestionedCorpus(bioD, 0.3, new Timing.Mixed(2));
    assertEquals(12, corpus.questions().orElseThrow().asked());
    Source asking = corpus.stream().sources().get(1);
    int exposures = 60;
    assertEquals(12.0 * 5 * 2 * exposures, corpus.stream().items(1, exposures), 1e-6);
    Map<String, Integer> seen = new HashMap<>();
    for (long item = 0; item < 4 * asking.people(); item++) {
      int[] tokens = asking.annotated(item).tokens();
      seen.merge(asking.vocabulary().decode(tokens, 1, tokens.length), 1, Integer::sum);
      int[] written = new int[asking.longestItem()];
      assertArrayEquals(tokens, Arrays.copyOf(written, asking.write(item, written, 0)));
    }
    assertEquals(12 * 5, seen.size());
    seen.forEach((text, times) -> assertEquals(4, times, text));
    // In the windows themselves, questions are as many as that makes of the tokens.
    WindowReader reader = new WindowReader(corpus, 128, Cursor.START);
    int[] window = new int[128];
    int[] targets = new int[128];
    long questions = 0;
    long texts = 0;
    int mark = corpus.vocabulary().token(Gpt2.encode("?")[0]);
    long windows = (long) Math.ceil(corpus.stream().tokens(exposures) / 128);
    for (long i = 0; i < windows; i++) {
      reader.read(window, targets, 0);
      questions += Arrays.stream(window).filter(token -> token == mark).count();
      texts += Arrays.stream(window).filter(token -> token == corpus.vocabulary().eos()).count();
    }
    assertEquals(12.0 * 5 * 2 * exposures, questions, 0.02 * questions, "seed " + seed);
    assertEquals(40.0 * exposures, texts - questions, 0.03 * texts, "seed " + seed);
  }

  /** Of all possible people, once: the mean of the lists is that of the stream, and so is every probability. */
  @Test
  void lengthsAreThoseOfTheListsToTheLastDigit() {
    BioD bioD = Corpora.bioD(Corpora.SMALL.names(), seed, Corpora.SHAPE);
    QuestionSource source = new QuestionSource(bioD, bioD.people(), MoreQuestions.NONE);
    double[] counted = new double[source.longestItem() + 1];
    for (long item = 0; item < source.people(); item++) {
      counted[source.annotated(item).tokens().length] += 1.0 / source.people();
    }
    assertArrayEquals(counted, source.layout().lengths(), 1e-12, "seed " + seed);
    assertTrue(counted[source.longestItem()] > 0, "the longest item occurs");
  }

  /** Of some people of many: within four standard errors of what the lists say. */
  @Test
  void lengthsAreThoseOfADrawnStream() {
    BioS bioS = Corpora.bioS(4000, seed, PoolSizes.PAPER);
    QuestionSource source = new QuestionSource(bioS, 3999, MoreQuestions.NONE);
    SummaryStatistics lengths = new SummaryStatistics();
    SummaryStatistics answers = new SummaryStatistics();
    SummaryStatistics behind = new SummaryStatistics();
    for (long person = 0; person < 3999; person++) {
      double length = 0;
      double answer = 0;
      double start = 0;
      // The questions about one person share the name, so a person is one draw.
      for (int question = 0; question < 5; question++) {
        AnnotatedItem item = source.measuringItem(5 * person + question, 0);
        Span value = item.spans().getLast();
        length += item.tokens().length / 5.0;
        answer += (value.end() - value.start()) / 5.0;
        start += value.start() / 5.0;
      }
      lengths.addValue(length);
      answers.addValue(answer);
      behind.addValue(start);
    }
    assertNear(lengths, source.meanItemTokens());
    assertNear(lengths, source.layout().meanLength());
    assertNear(answers, source.layout().valueTokens());
    assertNear(behind, source.meanItemTokens() - source.layout().valueTokens());
    double values = source.layout().behindNames().values().stream().flatMapToDouble(Arrays::stream).sum();
    assertEquals(source.layout().valueTokens(), values, 1e-9);
  }

  private void assertNear(SummaryStatistics drawn, double expected) {
    double error = drawn.getStandardDeviation() / Math.sqrt(drawn.getN());
    assertEquals(expected, drawn.getMean(), 4 * error, "seed " + seed);
    assertTrue(error < 0.003 * expected, "the sample tells something");
  }

  /** Texts, then questions; windows go on from any cursor, on either side of the change. */
  @ParameterizedTest
  @EnumSource(Packing.class)
  void questionsComeAfterAllTexts(Packing packing) {
    BioD bioD = Corpora.bioD(150, seed, Corpora.SHAPE);
    int exposures = 40;
    int asked = 30;
    Corpus corpus = new QuestionedCorpus(bioD, 0.6, new Timing.Afterwards(asked)).forExposures(exposures);
    Windows windows = new Windows(96, packing);
    TrainingStream stream = corpus.stream();
    int all = (int) Math.ceil(stream.windows(exposures, windows));
    int tuning = (int) Math.round(stream.tuningWindows(windows));
    WindowReader reader = new WindowReader(corpus, windows, Cursor.START);
    int mark = corpus.vocabulary().token(Gpt2.encode("?")[0]);
    int[][] inputs = new int[all][96];
    Cursor[] cursors = new Cursor[all];
    long texts = 0;
    long questions = 0;
    for (int window = 0; window < all; window++) {
      cursors[window] = reader.cursor();
      int[] targets = new int[96];
      reader.read(inputs[window], targets, 0);
      long marks = Arrays.stream(inputs[window]).filter(token -> token == mark).count();
      // A text begins where something is to be predicted from an end of text.
      long begun = 0;
      for (int i = 0; i < 96; i++) {
        begun += inputs[window][i] == corpus.vocabulary().eos() && targets[i] != WindowReader.NO_TARGET
            ? 1
            : 0;
      }
      if (window < all - tuning) {
        assertEquals(0, marks, "window " + window + " of " + all + ", seed " + seed);
        texts += begun;
      } else {
        assertTrue(marks > 0, "window " + window + " of " + all + ", seed " + seed);
        questions += begun;
      }
    }
    assertEquals(150.0 * exposures, texts, 0.02 * texts, "seed " + seed);
    assertEquals(90.0 * 5 * asked, questions, 0.02 * questions, "seed " + seed);
    assertEquals(90.0 * 5 * asked, stream.items(1, exposures), 1e-6);
    assertEquals(150.0 * exposures, stream.items(0, exposures), 1e-6);
    for (int window : new int[]{1, all - tuning - 1, all - tuning, all - tuning + 1, all - 1}) {
      int[] again = new int[96];
      new WindowReader(corpus, windows, Cursor.ofNumbers(cursors[window].toNumbers())).read(again,
          new int[96], 0);
      assertArrayEquals(inputs[window], again, "window " + window + " of " + all + ", seed " + seed);
    }
    assertNotEquals(corpus.digest(), corpus.forExposures(41).digest());
  }

  /** Windows of whole texts are filled less by longer ones, which must not change how often is asked. */
  @Test
  void mixedQuestionsAreAsManyInWindowsOfWholeTexts() {
    BioS bioS = Corpora.bioS(400, seed, PoolSizes.PAPER);
    QuestionedCorpus corpus = new QuestionedCorpus(bioS, 0.5, new Timing.Mixed(2));
    Windows windows = new Windows(corpus.longestItem() + 10, Packing.WHOLE);
    WindowReader reader = new WindowReader(corpus, windows, Cursor.START);
    int[] tokens = new int[windows.length()];
    int count = (int) Math.ceil(corpus.stream().windows(20, windows));
    for (int window = 0; window < count; window++) {
      reader.read(tokens, new int[windows.length()], 0);
    }
    assertEquals(400.0 * 20, reader.cursor().positions().get(0).item(), 0.01 * 400 * 20, "seed " + seed);
    assertEquals(200.0 * 5 * 2 * 20, reader.cursor().positions().get(1).item(), 0.01 * 200 * 5 * 2 * 20,
        "seed " + seed);
  }

  @Test
  void sharesThatLeaveNobodyAreRefused() {
    BioS bioS = Corpora.bioS(100, seed, Corpora.SMALL);
    for (double share : new double[]{0, 1, -0.1, Double.NaN}) {
      assertTrue(refused(bioS, share, 1).contains("must lie between 0 and 1"));
    }
    assertTrue(refused(bioS, 0.001, 1).contains("is nobody: there would be no question in training"));
    assertTrue(refused(bioS, 0.999, 1).contains("leaves nobody to ask about after training"));
    assertTrue(refused(bioS, 0.5, 0).contains("questions per exposure must be above 0"));
    assertTrue(assertThrows(IllegalArgumentException.class, () -> new Timing.Afterwards(0)).getMessage()
        .contains("must be 1 or more, found 0"));
  }

  private static String refused(BioS source, double share, double perExposure) {
    return assertThrows(IllegalArgumentException.class,
        () -> new QuestionedCorpus(source, share, new Timing.Mixed(perExposure))).getMessage();
  }
}
