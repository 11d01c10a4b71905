package org.knowcap.experiments.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.SideMeasurement;
import org.knowcap.generators.mixture.RevisedCorpus;
import org.knowcap.generators.people.Revision;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.testing.TestSeed;

/** What models that believe one thing or another are measured to believe. */
class UpdateMeasurementTest {
  private static final int PEOPLE = 60;
  private static final double SURPRISE = 4;

  private final long seed = TestSeed.value();
  private final RevisedCorpus corpus = new RevisedCorpus(new BioS(PEOPLE, seed,
      Pools.shipped(new PoolSizes(5, 4, 10, 3, 4, 5, 6, 7, 8, 32)), Templates.shipped()),
      new Revision(0.5, Set.of(Attribute.EMPLOYER), seed), 3, 0);

  /** Every token that a corpus's measured texts put behind another beginning, with that beginning. */
  private Set<String> texts(Corpus learnt) {
    Set<String> texts = new HashSet<>();
    Measurement.of(learnt, PEOPLE,
        (tokens, targets, _) -> forEach(learnt, tokens, targets, (text, _) -> texts.add(text)));
    return texts;
  }

  private interface Token {
    void at(String text, int index);
  }

  private static void forEach(Corpus corpus, int[] tokens, int[] targets, Token token) {
    int length = corpus.longestItem() - 1;
    for (int row = 0; row < tokens.length; row += length) {
      for (int at = row; at < row + length; at++) {
        token.at(Arrays.toString(Arrays.copyOfRange(tokens, row, at + 1)) + targets[at], at);
      }
    }
  }

  /** Answers of a model that knows some texts by heart, and is surprised by everything else. */
  private Map<String, Knowledge> answers(Set<String> known) {
    Measurement measured = Measurement.of(corpus, PEOPLE, (tokens, targets, losses) -> forEach(corpus, tokens,
        targets, (text, at) -> losses[at] = known.contains(text) ? 0 : (float) SURPRISE));
    return measured.answers().stream().collect(Collectors.toMap(Knowledge::name, answer -> answer));
  }

  @Test
  void beliefsAreToldApart() {
    Map<String, Corpus> groups = new HashMap<>();
    corpus.sideMeasurements().forEach(question -> groups.put(question.name(), question.source()));
    Set<String> upToDate = texts(groups.get("new values"));
    upToDate.addAll(texts(groups.get("unchanged values")));
    Map<String, Knowledge> answers = answers(upToDate);
    assertEquals(30 * 5, answers.get("new values").storedBits(), 1e-9);
    assertEquals(30 * 5, answers.get("unchanged values").storedBits(), 1e-9);
    assertEquals(surprise("old values"), answers.get("old values").lossNats(), 1e-6, "seed " + seed);

    answers = answers(texts(groups.get("old values")));
    assertEquals(30 * 5, answers.get("old values").storedBits(), 1e-9);
    assertEquals(surprise("new values"), answers.get("new values").lossNats(), 1e-6, "seed " + seed);
    assertEquals(surprise("unchanged values"), answers.get("unchanged values").lossNats(), 1e-6,
        "seed " + seed);
  }

  /** Four nats a token of the employer: all of its tokens, as no employer is the beginning of another. */
  private double surprise(String name) {
    SideMeasurement question = corpus.sideMeasurements()
        .stream()
        .filter(each -> each.name().equals(name))
        .findFirst()
        .orElseThrow();
    List<Integer> tokens = LongStream.range(0, question.source().people())
        .mapToObj(person -> question.source()
            .measuringItem(person, 0)
            .spans()
            .stream()
            .filter(span -> span.kind() == KnowledgeKind.VALUE && span.attribute().equals(Attribute.EMPLOYER))
            .mapToInt(span -> span.end() - span.start())
            .sum())
        .toList();
    return SURPRISE * tokens.stream().mapToInt(Integer::intValue).average().orElseThrow();
  }
}
