package org.knowcap.experiments.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.descriptive.DescriptiveStatistics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.InitialParameters;

/** A person is measured in one text of many: how much that matters is known from a second one. */
class RenderingErrorTest {
  private static final String STUDY = """
      name: renderings
      corpus: {kind: bioS, people: 60, pools: {first: 9, middle: 9, last: 20, birth_cities: 8, universities: 8, majors: 8,
        employers: 8}}
      models: gpt2-1-2-w16
      exposures: 200
      training: {batch_size: 8, context_length: 96, learning_rate: 0.01}
      """;
  private static final int RENDERINGS = 80;

  @TempDir
  private Path directory;

  /** All people are measured, so that the texts alone make the difference. */
  @Test
  void theStatedErrorIsTheScatterOfManyRenderings() throws Exception {
    RunSpec run = StudyReader.read(Files.writeString(directory.resolve("study.yaml"), STUDY))
        .runs()
        .getFirst();
    Corpus corpus = run.corpus();
    float[] parameters = trained(run, corpus);
    Program scoring = Program.scoring(run.model(), RunSpec.ids(corpus), 16, corpus.longestItem() - 1);
    try (Session session = engine().compile(scoring, new Execution(1, Precision.FP32))) {
      session.load(Map.of(Session.PARAMETERS, parameters));
      Measurement[] measured = IntStream.range(0, RENDERINGS)
          .mapToObj(
              rendering -> Measurement.of(corpus, corpus.measured().people(), rendering, session::losses))
          .toArray(Measurement[]::new);
      Capacity first = measured[0].capacity(1000);
      System.out.printf("bioS(60), %d renderings: stored %.1f of %.1f bits, stated error %.2f%n", RENDERINGS,
          first.storedBits(), first.totalBits(), first.storedBitsStandardError());
      assertTrue(first.saturation() > 0.05 && first.saturation() < 0.98, "saturation " + first.saturation());
      assertAgree("stored bits", measured, each -> each.capacity(1000).storedBits(),
          each -> each.capacity(1000).storedBitsStandardError());
      assertAgree("value loss", measured, each -> each.summary(KnowledgeKind.VALUE).mean(),
          each -> each.summary(KnowledgeKind.VALUE).standardError());
      // Every text begins with the name, so that its loss is that of all texts.
      assertEquals(0, first.parts().getFirst().lossStandardError(), 1e-6);
    }
  }

  private static void assertAgree(String what, Measurement[] measured, ToDoubleFunction<Measurement> figure,
      ToDoubleFunction<Measurement> error) {
    DescriptiveStatistics figures = new DescriptiveStatistics();
    double squares = 0;
    for (Measurement each : measured) {
      figures.addValue(figure.applyAsDouble(each));
      squares += Math.pow(error.applyAsDouble(each), 2) / measured.length;
    }
    System.out.printf("  %s: scatter %.4g, stated %.4g%n", what, figures.getStandardDeviation(),
        Math.sqrt(squares));
    // The standard deviation of 80 figures is known to 8 %: four times that.
    assertEquals(1, Math.sqrt(squares) / figures.getStandardDeviation(), 0.32, what);
  }

  private static Engine engine() {
    return Engines.named("cpu");
  }

  private static float[] trained(RunSpec run, Corpus corpus) {
    Program program = run.program(corpus);
    long steps = run.steps(corpus);
    int length = run.training().contextLength();
    try (Session session = engine().compile(program, new Execution(1, Precision.FP32))) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 1)));
      WindowReader reader = new WindowReader(corpus, length, Cursor.START);
      int[] tokens = new int[program.stepRows()];
      int[] targets = new int[program.stepRows()];
      for (long step = 1; step <= steps; step++) {
        for (int row = 0; row < program.stepRows(); row += length) {
          reader.read(tokens, targets, row);
        }
        session.step(tokens, targets, run.schedule(corpus).learningRate(step), step);
      }
      return session.state().get(Session.PARAMETERS);
    }
  }
}
