package org.knowcap.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.WindowReader;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.training.InitialParameters;

/** Where tokens see only their own document, an item in the midst of a training window is as it is when it is measured. */
class DocumentMaskTest {
  private static final int WINDOW = 300;

  @TempDir
  private Path directory;

  @ParameterizedTest
  @ValueSource(
      strings = {"kind: bioS, people: 20",
          "kind: bioD, people: 20, attributes: 3, chunks: 2, diversity: 50, length: 2, alphabet: 20",
          "kind: mixture, sources: [{share: 0.5, token: <useful>, corpus: {kind: bioS, people: 20}},"
              + " {share: 0.5, corpus: {kind: bioS, people: 30}}]"})
  void trainingAndMeasuringAgree(String corpusKeys) throws Exception {
    Path file = Files.writeString(directory.resolve("study.yaml"), "name: masks\ncorpus: {" + corpusKeys
        + "}\nmodels: gpt2-2-2-w8-document\nexposures: 100\ntraining: {warmup_steps: 0}\n");
    RunSpec spec = StudyReader.read(file).runs().getFirst();
    Corpus corpus = spec.corpus();
    int eos = corpus.vocabulary().eos();
    int[] tokens = new int[WINDOW];
    int[] targets = new int[WINDOW];
    new WindowReader(corpus, WINDOW, Cursor.START).read(tokens, targets, 0);
    float[] packed = losses(spec, corpus, tokens, targets);

    int items = 0;
    for (int start = 0; start < WINDOW;) {
      int end = start + 1;
      while (end < WINDOW && tokens[end] != eos) {
        end++;
      }
      float[] alone = losses(spec, corpus, Arrays.copyOfRange(tokens, start, end),
          Arrays.copyOfRange(targets, start, end));
      for (int i = start; i < end; i++) {
        assertEquals(alone[i - start], packed[i], 1e-4, "token " + i);
      }
      start = end;
      items++;
    }
    assertTrue(items >= 3, items + " items");
  }

  private static float[] losses(RunSpec spec, Corpus corpus, int[] tokens, int[] targets) {
    Program program = Program.scoring(spec.model(), RunSpec.ids(corpus), 1, tokens.length);
    float[] losses = new float[tokens.length];
    try (Session session = Engines.named("cpu").compile(program, Execution.PLAIN)) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(program, 1)));
      session.losses(tokens, targets, losses);
    }
    return losses;
  }
}
