package org.knowcap.models.interchange.samediff;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.architecture.Experts;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.ModelOption;
import org.knowcap.models.architecture.ModelSpec;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A written graph, loaded by SameDiff alone and run by ND4J's own operations, against the engine that measures. */
class SameDiffGraphTest {
  private static final int VOCABULARY = 13;
  private static final int LENGTH = 9;
  private static final TokenIds IDS = new TokenIds(VOCABULARY, 3);

  @TempDir
  private Path directory;

  /** Every family, and every option of a model. */
  static Stream<ModelSpec> models() {
    ModelSpec mixed = ModelSpec.parse("gpt2-moe4-2-2-w8-top2");
    Experts experts = mixed.feedForward().experts().orElseThrow();
    return Stream.concat(names().map(ModelSpec::parse), Stream.of(
        // So few places at test that tokens are turned away; experts that all share.
        mixed.with(ModelOption.EXPERTS,
            Optional.of(experts.withCapacity(Optional.of(1.0), Optional.of(0.5)))),
        mixed.with(ModelOption.EXPERTS, Optional.of(
            new Experts(4, Experts.Choice.TOKENS, 2, Optional.empty(), Optional.of(1.0), 1, 2, 0.01, 0)))));
  }

  private static Stream<String> names() {
    return Stream.concat(
        Arrays.stream(Family.values()).map(family -> family.model(2, 4, 8, family.rotary()).name()),
        Stream.of("gpt2-moe4-2-2-w8", "gpt2-moe3-1-2-w8-gated-unbiased-top2",
            "gpt2-moe4-1-2-w8-cap1-expertchoice", "mixtral3-1-2-w8-top3", "gpt2-1-3-w8-k1-a4",
            "gpt2-1-2-w8-rmsnorm", "gpt2-1-2-w8-gated", "gpt2-1-2-w8-silu", "gpt2-1-2-w8-unbiased",
            "gpt2-1-2-w8-untied", "gpt2-2-2-w8-rotary1b100", "gpt2-2-2-w8-rotary0.5-ntk4",
            "gpt2-2-2-w8-learned9", "gpt2-2-2-w8-learned20", "gpt2-2-2-w8-nopos", "gpt2-2-3-w8-rerope3",
            "gpt2-2-2-w8-leaky3k4", "gpt2-1-3-w8-alibi", "gpt2-1-2-w8-document",
            "mistral-1-4-w4-a5-leaky2k2-document", "llama-2-2-w6-layernorm", "llama-1-2-w4-standard",
            "llama-1-2-w4-none", "llama-1-2-w4-gelu-biased-tied", "mistral-2-4-w4-a3", "mistral-1-4-w4-k4-a1",
            "llama-1-4-w4-k2-a8-layernorm-standard-gelu-biased-tied-learned16",
            "mistral-2-4-w6-qknorm-rerope3", "gpt2-2-2-w8-canonabcd", "llama-1-2-w4-canonabcd-document",
            "llama-2-2-w8-glagdn", "gpt2-2-2-w8-gdngla-document"));
  }

  @Test
  void refusesMemoriesOfNgrams() {
    Path file = directory.resolve("model.fb");
    ModelSpec model = ModelSpec.parse("gpt2-1-2-w8-ngram8");
    float[] parameters = new float[(int) model.parameters(VOCABULARY).total()];
    String message = assertThrows(IllegalArgumentException.class,
        () -> SameDiffGraph.write(file, model, IDS, LENGTH, parameters)).getMessage();
    assertTrue(message.contains("no hash for its memory of n-grams"), message);
    assertFalse(Files.exists(file));
  }

  @ParameterizedTest
  @MethodSource("models")
  void computesTheSame(ModelSpec model) throws IOException {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(model.name().hashCode());
    // More windows than the graph was written with: their number is free.
    Program program = Program.scoring(model, IDS, 3, LENGTH);
    Map<String, float[]> parameters = Batches.parameters(program, 0.5, random);
    Batches batch = Batches.random(program, VOCABULARY, random);
    float[] expected = new float[program.rows()];
    try (Session session = Engines.named("cpu").compile(program, Execution.PLAIN)) {
      session.load(parameters);
      session.losses(batch.tokens(), batch.targets(), expected);
    }

    Path file = directory.resolve("model.fb");
    SameDiffGraph.write(file, model, IDS, LENGTH, parameters.get(Session.PARAMETERS));
    SameDiff graph = SameDiff.load(file.toFile(), false);
    INDArray tokens = Nd4j.createFromArray(batch.tokens()).reshape(3, LENGTH);
    INDArray targets = Nd4j.createFromArray(batch.targets()).reshape(3, LENGTH);
    INDArray losses = graph
        .output(Map.of(SameDiffGraph.TOKENS, tokens, SameDiffGraph.TARGETS, targets),
            List.of(SameDiffGraph.LOSSES))
        .get(SameDiffGraph.LOSSES);
    INDArray logits = graph.output(Map.of(SameDiffGraph.TOKENS, tokens), List.of(SameDiffGraph.LOGITS))
        .get(SameDiffGraph.LOGITS);
    assertArrayEquals(new long[]{3, LENGTH}, losses.shape());
    assertArrayEquals(new long[]{3, LENGTH, VOCABULARY}, logits.shape());
    for (int row = 0; row < expected.length; row++) {
      double sum = 0;
      for (int v = 0; v < VOCABULARY; v++) {
        sum += Math.exp(logits.getDouble(row / LENGTH, row % LENGTH, v));
      }
      double ofLogits = Math.log(sum) - logits.getDouble(row / LENGTH, row % LENGTH, batch.targets()[row]);
      double tolerance = 3e-5 * (1 + expected[row]);
      assertEquals(expected[row], losses.getDouble(row / LENGTH, row % LENGTH), tolerance, "row " + row);
      assertEquals(expected[row], ofLogits, tolerance, "logits of row " + row);
    }
    assertEquals(model.parameters(VOCABULARY).total(),
        program.parameters()
            .stream()
            .mapToLong(p -> graph.getVariable(p.tensor().name()).getArr().length())
            .sum());
  }
}
