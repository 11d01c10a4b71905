package org.knowcap.experiments.probe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.TrainedRun;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.ForwardingSource;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.Initialisation;

/**
 * Probes a model whose state at a token holds that token and nothing else: its attention and feed-forward write
 * nothing. So what a probe finds is what stands at the tokens that it reads.
 */
class ProbingTest {
  /** All last names differ, so a name's last token tells who it is. */
  private static final String STUDY = """
      name: planted
      corpus: {kind: bioD, people: 160, attributes: 2, chunks: 1, diversity: 4, length: 1, alphabet: 4,
        pools: {first: 1, middle: 1, last: 160}}
      models: gpt2-1-2-w16
      exposures: 1
      training: {context_length: 64}
      """;
  private static final Probing PROBING = new Probing(Optional.empty(), 160, 60, 3);
  /** Of four values, found in 80 people. */
  private static final double NEAR_CHANCE = 0.45;

  @TempDir
  private Path directory;

  /** A source whose measured texts have the first value first, and may be changed. */
  private static final class Changed extends ForwardingSource {
    private final boolean planted;

    Changed(Source source, boolean planted) {
      super(source);
      this.planted = planted;
    }

    /** The first value stands in place of the name's last token too, and the second one right before itself. */
    @Override
    public AnnotatedItem measuringItem(long person, long draw) {
      AnnotatedItem item = super.measuringItem(person, draw);
      for (long other = 1; value(item, 1).start() > value(item, 2).start(); other++) {
        item = super.measuringItem(person, draw + other);
      }
      int[] tokens = item.tokens().clone();
      if (planted) {
        tokens[name(item).end() - 1] = tokens[value(item, 1).start()];
        tokens[value(item, 2).start() - 1] = tokens[value(item, 2).start()];
      }
      return new AnnotatedItem(tokens, item.spans());
    }

    private static Span name(AnnotatedItem item) {
      return item.spans().getFirst();
    }

    private static Span value(AnnotatedItem item, int number) {
      return item.spans()
          .stream()
          .filter(span -> span.kind() == KnowledgeKind.VALUE && span.attribute().key().equals("id_" + number))
          .findFirst()
          .orElseThrow();
    }
  }

  private TrainedRun run(boolean planted) throws IOException {
    Path out = directory.resolve("out");
    StudyFolder study = Files.exists(out)
        ? StudyFolder.open(out)
        : StudyFolder.create(out, Files.writeString(directory.resolve("study.yaml"), STUDY));
    RunSpec spec = study.study().runs().getFirst();
    Source source = new Changed(spec.corpus().measured(), planted);
    Program program = Program.scoring(spec.model(), RunSpec.ids(source), 1, 1);
    float[] parameters = new Initialisation.Drawn(3).of(program).buffers().get(Session.PARAMETERS);
    int silenced = 0;
    for (Parameter parameter : program.parameters()) {
      String name = parameter.tensor().name();
      if (name.startsWith("block.0.attention.out.") || name.startsWith("block.0.mlp.out.")) {
        silenced++;
        for (int i = 0; i < parameter.tensor().size(); i++) {
          parameters[(int) parameter.offset() + i] = 0;
        }
      }
    }
    assertEquals(4, silenced, "weights and biases of both halves of the block");
    return new TrainedRun(study, spec, source, 0, spec.model(), parameters);
  }

  @Test
  void probesReadWhatStandsAtTheirTokens() throws IOException {
    TrainedRun run = run(true);
    List<ProbedAttribute> found = PROBING.of(run, _ -> {});
    ProbedAttribute first = found.getFirst();
    ProbedAttribute second = found.getLast();
    assertEquals(List.of("id_1", "id_2"), List.of(first.attribute(), second.attribute()));
    found.forEach(each -> {
      assertEquals(chance(run, each.attribute()), each.chance(), 1e-12, each.toString());
      assertEquals("value", each.part());
    });
    assertTrue(first.name() > 0.99 && second.name() < NEAR_CHANCE, found.toString());
    // Right before its own value the second one stands in the text, and before the first value it does not.
    assertTrue(second.positions().get(0) < NEAR_CHANCE && second.positions().get(1) > 0.99, found.toString());
    // Behind its value the first one is no longer asked for.
    assertTrue(first.positions().get(0) < NEAR_CHANCE && Double.isNaN(first.positions().get(1)),
        found.toString());
  }

  /** Who has which name could be learnt of the people that train the probe, and not of those that test it. */
  @Test
  void aValueThatStandsOnlyBehindTheTokensIsNotFound() throws IOException {
    for (ProbedAttribute each : PROBING.of(run(false), _ -> {})) {
      assertTrue(each.name() < NEAR_CHANCE, each.toString());
      assertTrue(each.positions().stream().noneMatch(share -> share >= NEAR_CHANCE), each.toString());
    }
  }

  /** The share of the most frequent value. */
  private static double chance(TrainedRun run, String attribute) {
    Source source = run.corpus().measured();
    Map<String, Integer> counts = new HashMap<>();
    for (long person = 0; person < source.people(); person++) {
      for (Map.Entry<Attribute, String> value : source.values(person).entrySet()) {
        if (value.getKey().key().equals(attribute)) {
          counts.merge(value.getValue(), 1, Integer::sum);
        }
      }
    }
    OptionalInt most = counts.values().stream().mapToInt(Integer::intValue).max();
    return most.orElseThrow() / (double) source.people();
  }
}
