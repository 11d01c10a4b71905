package org.knowcap.models.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.IntToDoubleFunction;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Positions;

/** What positions and masks mean, seen from outside. */
class PositionsTest {
  private static final int VOCABULARY = 11;
  private static final int SEPARATOR = 4;

  private static Program program(String name, int windows, int length) {
    return Program.scoring(ModelSpec.parse(name), new TokenIds(VOCABULARY, SEPARATOR), windows, length);
  }

  private static Map<String, float[]> parameters(Program program) {
    return Batches.parameters(program, 0.5, RandomGeneratorFactory.of("L64X128MixRandom").create(1));
  }

  private static float[] losses(String engine, Program program, int[] tokens, int[] targets) {
    float[] losses = new float[tokens.length];
    try (Session session = Engines.named(engine).compile(program, new Execution(2, Precision.FP32))) {
      session.load(parameters(program));
      session.losses(tokens, targets, losses);
    }
    return losses;
  }

  /** Su's definitions of the distance that a key t tokens before its query seems to be at. */
  @Test
  void rectifiedDistancesFollowTheirFormulas() {
    checkDistances("llama-1-1-w8-rerope3", t -> Math.min(t, 3));
    checkDistances("llama-1-1-w8-rerope1", t -> Math.min(t, 1));
    checkDistances("llama-1-1-w8-leaky5k4", t -> t < 5 ? t : 5 + (t - 5) / 4.0);
    checkDistances("llama-1-1-w8-leaky2k1", t -> t);
  }

  private static void checkDistances(String name, IntToDoubleFunction expected) {
    int length = 9;
    List<ForwardOperation> forward = program(name, 1, length).forward();
    Attention attention = forward.stream()
        .filter(Attention.class::isInstance)
        .map(Attention.class::cast)
        .findFirst()
        .orElseThrow();
    Attention.Scores.Rerope rerope = (Attention.Scores.Rerope) attention.scores();
    Rope.Positions near = positions(forward, attention.qkv());
    Rope.Positions far = positions(forward, rerope.qkv());
    for (int query = 0; query < length; query++) {
      for (int key = 0; key <= query; key++) {
        Rope.Positions positions = query - key < rerope.window() ? near : far;
        assertEquals(expected.applyAsDouble(query - key), positions.query(query) - positions.key(key), 1e-12);
      }
    }
  }

  private static Rope.Positions positions(List<ForwardOperation> forward, Tensor rotated) {
    return forward.stream()
        .filter(operation -> operation.out().equals(rotated))
        .map(operation -> ((Rope) operation).positions())
        .findFirst()
        .orElseThrow();
  }

  /** Nothing is cut off where windows are no longer than w, whatever the attention's own window. */
  @ParameterizedTest
  @CsvSource({"rerope9, ''", "rerope100, ''", "leaky9k7, ''", "a4-rerope4, a4", "a4-leaky5k2, a4"})
  void shortWindowsAreRotary(String options, String plain) {
    assertEquals(program(plain.isEmpty() ? "llama-2-2-w8" : "llama-2-2-w8-" + plain, 2, 9).forward(),
        program("llama-2-2-w8-" + options, 2, 9).forward());
  }

  /** The slopes that the authors print for 8 heads, and what their code gives for 12 and 3. */
  @Test
  void slopesAreTheAuthors() {
    assertArrayEquals(new double[]{1 / 2., 1 / 4., 1 / 8., 1 / 16., 1 / 32., 1 / 64., 1 / 128., 1 / 256.},
        slopes(8));
    double[] twelve = DoubleStream
        .concat(DoubleStream.of(slopes(8)),
            DoubleStream.of(0.5, 1.5, 2.5, 3.5).map(exponent -> Math.pow(2, -exponent)))
        .toArray();
    assertArrayEquals(twelve, slopes(12), 1e-15);
    assertArrayEquals(new double[]{1 / 16., 1 / 256., 1 / 4.}, slopes(3));
    assertArrayEquals(new double[]{1 / 256.}, slopes(1));
  }

  private static double[] slopes(int heads) {
    return IntStream.range(0, heads).mapToDouble(head -> Positions.Alibi.slope(head, heads)).toArray();
  }

  /**
   * A document's losses are what they are alone, whatever stands before it in the window; but for learned positions, which
   * know the place in the window.
   */
  @ParameterizedTest
  @ValueSource(strings = {"nd4j", "cpu"})
  void documentsDoNotSeeEachOther(String engine) {
    // Begins within a document; has one of a single token, and ends in a separator.
    List<int[]> documents = List.of(new int[]{1, 2, 3}, new int[]{4, 7, 8, 9, 10, 0, 1}, new int[]{4},
        new int[]{4, 5, 5, 6}, new int[]{4});
    int[] tokens = documents.stream().flatMapToInt(IntStream::of).toArray();
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(2);
    int[] targets = random.ints(tokens.length, 0, VOCABULARY).toArray();
    for (String options : List.of("document", "k1-document", "nopos-document", "alibi-document",
        "k1-rerope2-document", "leaky3k2-document", "ntk4-document", "document-ngram6n4l1l2")) {
      String name = "llama-2-2-w8-" + options;
      float[] together = losses(engine, program(name, 1, tokens.length), tokens, targets);
      List<Float> alone = new ArrayList<>();
      for (int[] document : documents) {
        int[] own = IntStream.range(alone.size(), alone.size() + document.length)
            .map(i -> targets[i])
            .toArray();
        for (float loss : losses(engine, program(name, 1, document.length), document, own)) {
          alone.add(loss);
        }
      }
      for (int i = 0; i < tokens.length; i++) {
        assertEquals(alone.get(i), together[i], 1e-5, name + ", token " + i);
      }
      float[] causal = losses(engine, program(name.replace("-document", ""), 1, tokens.length), tokens,
          targets);
      assertTrue(Math.abs(causal[4] - together[4]) > 1e-3, "without a mask the window's front is seen");
    }
  }

  @Test
  void documentsNeedASeparator() {
    String message = assertThrows(IllegalArgumentException.class,
        () -> Program.scoring(ModelSpec.parse("gpt2-1-1-document"), VOCABULARY, 1, 8)).getMessage();
    assertTrue(message.contains("begin with"), message);
    assertThrows(IllegalArgumentException.class, () -> new TokenIds(VOCABULARY, OptionalInt.of(VOCABULARY)));
  }
}
