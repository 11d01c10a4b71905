package org.knowcap.experiments.survey;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.corpus.CorpusDescription;
import org.knowcap.analysis.corpus.CorpusDescription.Mark;
import org.knowcap.analysis.corpus.CorpusDescription.Passage;
import org.knowcap.analysis.corpus.CorpusDescription.Reach;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.mixture.Mixture.Ingredient;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

class CorpusSurveyTest {
  private static final Pools POOLS = Pools.shipped(new PoolSizes(5, 4, 10, 3, 4, 5, 6, 7, 8, 9));
  private static final BioS BIO_S = new BioS(97, 1, POOLS, Templates.shipped());
  private static final BioD BIO_D = new BioD(50, new BioDShape(3, 2, 20, 2, 7), 1, POOLS);
  private static final Mixture MIXTURE = new Mixture(1,
      List.of(new Ingredient(BIO_S, 0.25, "<useful>"), new Ingredient(BIO_D.from(97), 0.75, "")));

  @Test
  void theSampleIsTheFirstTextAndItsMarksAreItsKnowledge() {
    for (Corpus corpus : List.of(BIO_S, BIO_S.simple(), BIO_D, MIXTURE)) {
      CorpusDescription description = CorpusSurvey.of(corpus);
      for (int i = 0; i < corpus.stream().sources().size(); i++) {
        Source source = corpus.stream().sources().get(i);
        List<Passage> sample = description.sources().get(i).sample();
        int[] tokens = source.annotated(0).tokens();
        assertEquals(source.vocabulary().decode(tokens, 1, tokens.length),
            sample.stream().map(Passage::text).collect(Collectors.joining()));
        Map<String, String> values = sample.stream()
            .filter(passage -> passage.mark() != Mark.NONE)
            .collect(Collectors.toMap(Passage::attribute, Passage::text,
                (a, b) -> (a + " " + b).replace("  ", " ")));
        source.values(source.person(0))
            .forEach((attribute, value) -> assertEquals(
                attribute.equals(Attribute.BIRTH_DATE) ? value.replace(",", "") : value,
                values.get(attribute.key())));
      }
    }
    assertEquals(
        List.of(Mark.NAME, Mark.FIRST_CHUNK, Mark.VALUE, Mark.FIRST_CHUNK, Mark.VALUE, Mark.FIRST_CHUNK,
            Mark.VALUE),
        CorpusSurvey.of(BIO_D)
            .sources()
            .getFirst()
            .sample()
            .stream()
            .map(Passage::mark)
            .filter(mark -> mark != Mark.NONE)
            .toList());
  }

  @Test
  void countsAreThoseOfTheStreamAndTheTexts() {
    CorpusDescription description = CorpusSurvey.of(MIXTURE);
    assertEquals(MIXTURE.vocabulary().size(), description.vocabulary().size());
    assertEquals(description.vocabulary().tokens(),
        description.vocabulary().counts().stream().mapToLong(Long::longValue).sum());
    List<Long> counts = description.vocabulary().counts();
    assertTrue(IntStream.range(1, counts.size()).allMatch(i -> counts.get(i - 1) >= counts.get(i)));
    List<Reach> reach = description.vocabulary().reach();
    assertEquals(new Reach(1, 1), reach.getFirst());
    assertTrue(IntStream.range(1, reach.size())
        .allMatch(i -> reach.get(i - 1).tokens() < reach.get(i).tokens()
            && reach.get(i - 1).ids() <= reach.get(i).ids()));
    assertEquals(counts.size(), reach.getLast().ids());
    assertEquals(0.25, description.sources().getFirst().share(), 1e-9);
    assertEquals(0.75, description.sources().getLast().share(), 1e-9);
    assertEquals(BIO_S.bits().totalBits(), description.totalBits());
    assertEquals(BIO_S.bits().totalBits(), description.sources().getFirst().totalBits(), 1e-9);
    CorpusDescription.Source useful = description.sources().getFirst();
    double mean = useful.lengths().entrySet().stream().mapToDouble(e -> e.getKey() * e.getValue()).sum()
        / useful.texts();
    assertEquals(useful.meanTokens(), mean, 0.04 * mean);
  }

  /** A text of 125,000 symbols is shown in part, and not twenty thousand of them are counted. */
  @Test
  void veryLongTextsAreCutShort() {
    BioD longest = new BioD(9, new BioDShape(50, 50, 100, 50, 40_000), 1, POOLS);
    CorpusDescription.Source source = CorpusSurvey.of(longest).sources().getFirst();
    assertTrue(source.texts() < 100, "counted " + source.texts());
    assertTrue(source.sample().getLast().text().matches(" \\.\\.\\. and 12\\d,\\d{3} tokens more"),
        source.sample().getLast().text());
  }
}
