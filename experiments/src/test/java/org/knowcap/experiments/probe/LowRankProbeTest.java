package org.knowcap.experiments.probe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.nd4j.Nd4jEngine;
import org.knowcap.models.probe.ProbeProgram;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.training.Initialisation;
import org.knowcap.testing.TestSeed;

/** Probes untrained models about labels of known kinds. */
class LowRankProbeTest {
  private static final int VOCABULARY = 24;
  private static final int LENGTH = 5;
  private static final int WINDOWS = 16;
  private static final int CLASSES = 4;
  private static final TokenIds IDS = new TokenIds(VOCABULARY, OptionalInt.empty());
  private static final ModelSpec MODEL = ModelSpec.parse("gpt2-2-2-w8");

  private final long seed = TestSeed.value();
  private final Random random = new Random(seed);

  /** The label of block 0 follows from the token that it stands at; that of block 1 from nothing. */
  private List<Example> examples(int count) {
    return Stream.generate(() -> {
      int[] tokens = random.ints(LENGTH, 0, VOCABULARY).toArray();
      return new Example(tokens, Map.of(2, new Example.Label(0, tokens[2] % CLASSES), 4,
          new Example.Label(1, random.nextInt(CLASSES))));
    }).limit(count).toList();
  }

  private static float[] untrained(Program model) throws IOException {
    return new Initialisation.Drawn(3).of(model).buffers().get(Session.PARAMETERS);
  }

  private double[] accuracy(float[] parameters, Program model, Optional<Integer> layer, int steps) {
    ProbeProgram program = ProbeProgram.of(MODEL, IDS, WINDOWS, LENGTH, layer, 2, CLASSES);
    try (LowRankProbe probe = new LowRankProbe(program, program.parameters(model, parameters), 8, random)) {
      probe.train(examples(600), steps, 0.03, random);
      return probe.accuracy(examples(400));
    }
  }

  @Test
  void aProbeTellsWhatIsThereAndNothingElse() throws IOException {
    Program model = Program.scoring(MODEL, IDS, 1, 1);
    for (Optional<Integer> layer : List.of(Optional.<Integer>empty(), Optional.of(1))) {
      double[] shares = accuracy(untrained(model), model, layer, 250);
      assertTrue(shares[0] > 0.9, "seed " + seed + ", layer " + layer + ": " + Arrays.toString(shares));
      assertTrue(shares[1] < 0.4, "seed " + seed + ", layer " + layer + ": " + Arrays.toString(shares));
    }
  }

  /** All tokens look alike to this model, so that only the embedding's update can tell them apart. */
  @Test
  void theUpdateReachesTheEmbedding() throws IOException {
    Program model = Program.scoring(MODEL, IDS, 1, 1);
    float[] parameters = untrained(model);
    ProbeProgram program = ProbeProgram.of(MODEL, IDS, WINDOWS, LENGTH, Optional.empty(), 2, CLASSES);
    String table = program.embedding().tensor().name();
    model.parameters().stream().filter(each -> each.tensor().name().equals(table)).forEach(each -> {
      for (int i = 0; i < each.tensor().size(); i++) {
        parameters[(int) each.offset() + i] = i % each.tensor().columns() * 0.01f;
      }
    });
    assertTrue(accuracy(parameters, model, Optional.empty(), 0)[0] < 0.4);
    double[] shares = accuracy(parameters, model, Optional.empty(), 400);
    assertTrue(shares[0] > 0.8, "seed " + seed + ": " + Arrays.toString(shares));
  }

  /** Of a classifier of zeros, the classes of a block are equally likely, whatever other blocks there are. */
  @Test
  void otherBlocksAndTokensWithoutALabelAreOutOfTheWay() throws IOException {
    ProbeProgram program = ProbeProgram.of(MODEL, IDS, WINDOWS, LENGTH, Optional.empty(), 3, CLASSES);
    int[] tokens = random.ints(WINDOWS * LENGTH, 0, VOCABULARY).toArray();
    int[] targets = IntStream.range(0, tokens.length)
        .map(i -> i % 3 == 0 ? program.none() : program.target(i % 3, i % CLASSES))
        .toArray();
    float[] losses = new float[tokens.length];
    try (Session session = new Nd4jEngine().compile(program.program(), new Execution(1, Precision.FP32))) {
      Program model = Program.scoring(MODEL, IDS, 1, 1);
      session.load(Map.of(Session.PARAMETERS, program.parameters(model, untrained(model))));
      session.losses(tokens, targets, losses);
    }
    for (int i = 0; i < losses.length; i++) {
      assertEquals(i % 3 == 0 ? 0 : Math.log(CLASSES), losses[i], 1e-5);
    }
  }

  @Test
  void aLayerThatTheModelDoesNotHaveIsNamed() {
    for (int layer : new int[]{0, 3}) {
      String message = assertThrows(IllegalArgumentException.class,
          () -> ProbeProgram.of(MODEL, IDS, 1, 1, Optional.of(layer), 1, 2)).getMessage();
      assertTrue(message.contains("has layers 1 to 2, and no layer " + layer), message);
    }
  }
}
