package org.knowcap.generators.questions;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpora;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.Questions;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.tokens.Gpt2;
import org.knowcap.testing.TestSeed;

class QuestionedCorpusTest {
  private final long seed = TestSeed.value();

  @Test
  void aQuestionIsWhatGpt2MakesOfItsTextAndTheAnswerIsTrue() {
    BioS bioS = Corpora.bioS(3000, seed, PoolSizes.PAPER);
    QuestionedCorpus corpus = new QuestionedCorpus(bioS, 0.5, 1);
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
    QuestionedCorpus corpus = new QuestionedCorpus(bioD, 0.3, 2);
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

  @Test
  void sharesThatLeaveNobodyAreRefused() {
    BioS bioS = Corpora.bioS(100, seed, Corpora.SMALL);
    for (double share : new double[]{0, 1, -0.1, Double.NaN}) {
      assertTrue(refused(bioS, share, 1).contains("must lie between 0 and 1"));
    }
    assertTrue(refused(bioS, 0.001, 1).contains("is nobody: there would be no question in training"));
    assertTrue(refused(bioS, 0.999, 1).contains("leaves nobody to ask about after training"));
    assertTrue(refused(bioS, 0.5, 0).contains("questions per exposure must be above 0"));
  }

  private static String refused(BioS source, double share, double perExposure) {
    return assertThrows(IllegalArgumentException.class,
        () -> new QuestionedCorpus(source, share, perExposure)).getMessage();
  }
}
