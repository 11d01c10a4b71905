package org.knowcap.models.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.program.HiddenMatrix;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Optimiser.Muon.AdjustLearningRate;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Orthogonaliser.Quintic;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;
import org.knowcap.models.program.TokenIds;

/**
 * Muon by another derivation: the singular value decomposition of what an engine has as momentum, in double precision. It holds in
 * bf16 too, where gradients of engines differ but orthogonalising is in fp32.
 */
class MuonTest {
  private static final int VOCABULARY = 17;
  private static final double RATE = 0.01;
  private static final double DECAY = 0.3;

  private static Optimiser.Muon muon(Orthogonaliser orthogonaliser, AdjustLearningRate adjust) {
    return new Optimiser.Muon(orthogonaliser, 5, 0.95, true, adjust, 0.9, 0.98, 1e-6, DECAY);
  }

  /** Singular values that are equally far apart as logarithms, after some polynomials. */
  private static double[] ends(List<Quintic> quintics, double least, double most) {
    return IntStream.rangeClosed(0, 20_000)
        .mapToDouble(i -> least * Math.pow(most / least, i / 20_000.0))
        .map(s -> {
          double value = s;
          for (Quintic quintic : quintics) {
            value = quintic.of(value);
          }
          return value;
        })
        .toArray();
  }

  private static double least(double[] values) {
    return Arrays.stream(values).min().orElseThrow();
  }

  private static double most(double[] values) {
    return Arrays.stream(values).max().orElseThrow();
  }

  @Test
  void polynomialsBringSingularValuesNearOne() {
    double[] jordan = ends(Orthogonaliser.NEWTON_SCHULZ.quintics(5), 0.002, 1);
    assertEquals(0.6818, least(jordan), 1e-3);
    assertEquals(1.2024, most(jordan), 1e-3);
    double[] polar = ends(Orthogonaliser.POLAR_EXPRESS.quintics(5), 0.001, 1 / 1.01);
    assertEquals(0.8462, least(polar), 1e-3);
    assertEquals(1.1236, most(polar), 1e-3);
    double[] longer = ends(Orthogonaliser.POLAR_EXPRESS.quintics(9), 0.001, 1 / 1.01);
    assertEquals(1, least(longer), 1e-12);
    assertEquals(1, most(longer), 1e-12);
  }

  /** The best polynomials of a kind are off by as much above 1 as below it: no digit of the paper's was lost. */
  @ParameterizedTest
  @CsvSource({"1", "2", "3", "4", "5", "6"})
  void polarExpressIsOffByAsMuchOnEitherSide(int steps) {
    List<Quintic> unsafe = Orthogonaliser.POLAR_EXPRESS.quintics(steps)
        .stream()
        .map(q -> new Quintic(q.a() * 1.01, q.b() * Math.pow(1.01, 3), q.c() * Math.pow(1.01, 5)))
        .toList();
    double[] ends = ends(unsafe, 0.001, 1);
    assertEquals(2, least(ends) + most(ends), steps == 1 ? 1e-5 : 1e-6);
  }

  static Stream<Arguments> updates() {
    // Keys of one head, gates and up-projections, a head of its own; experts, some of which no token comes to; convolutions.
    return EngineParityTest.variants()
        .stream()
        .flatMap(variant -> Stream.of("llama-1-4-w4-k1-canonabcd", "gpt2-moe5-1-2-w8", "gpt2-1-2-w8-learned9")
            .flatMap(model -> Arrays.stream(Orthogonaliser.values())
                .map(each -> Arguments.of(variant, model, each))));
  }

  @Tag("parity")
  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("updates")
  void theFirstStepIsThatOfTheDecomposition(EngineParityTest.Variant variant, String model,
      Orthogonaliser orthogonaliser) {
    Optimiser.Muon muon = muon(orthogonaliser,
        model.startsWith("llama") ? AdjustLearningRate.ORIGINAL : AdjustLearningRate.MATCH_RMS_ADAMW);
    Program program = Program.training(ModelSpec.parse(model), new TokenIds(VOCABULARY, 0), 2, 9, muon);
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(7);
    Map<String, float[]> start = Batches.parameters(program, 0.3, random);
    Batches batch = Batches.random(program, VOCABULARY, random);
    double[] expected = new double[(int) program.parameterCount()];
    try (Session session = variant.compile(program)) {
      session.load(start);
      session.step(batch.tokens(), batch.targets(), RATE, 1);
      Map<String, float[]> state = session.state();
      float[] before = start.get(Session.PARAMETERS);
      float[] after = state.get(Session.PARAMETERS);
      float[] first = state.get(StateBuffer.FIRST_MOMENT.key());
      float[] second = state.get(StateBuffer.SECOND_MOMENT.key());
      for (Parameter parameter : program.parameters()) {
        double keep = 1 - RATE * (parameter.group() == Parameter.Group.VECTORS ? 0 : DECAY);
        for (int i = (int) parameter.offset(); i < parameter.offset() + parameter.tensor().size(); i++) {
          double change = parameter.hidden().isEmpty()
              ? first[i] / 0.1 / (Math.sqrt(second[i] / 0.02) + 1e-6)
              : 0;
          expected[i] = keep * before[i] - RATE * change;
        }
        parameter.hidden().forEach(matrix -> subtract(muon, matrix, matrix(first, matrix), expected));
      }
      for (Parameter parameter : program.parameters()) {
        for (int i = (int) parameter.offset(); i < parameter.offset() + parameter.tensor().size(); i++) {
          assertEquals(expected[i], after[i], 5e-6, parameter.tensor().name() + ", number " + i);
        }
        for (HiddenMatrix matrix : parameter.hidden()) {
          RealMatrix change = matrix(before, matrix).scalarMultiply(1 - RATE * DECAY)
              .subtract(matrix(after, matrix))
              .scalarMultiply(1 / (RATE * muon.scale(matrix)));
          assertNearOne(orthogonaliser, matrix(first, matrix), change, parameter.tensor().name());
        }
      }
    }
  }

  private static RealMatrix matrix(float[] flat, HiddenMatrix matrix) {
    RealMatrix copy = new Array2DRowRealMatrix(matrix.rows(), matrix.columns());
    for (int i = 0; i < matrix.rows(); i++) {
      for (int j = 0; j < matrix.columns(); j++) {
        copy.setEntry(i, j, flat[(int) matrix.offset() + i * matrix.stride() + j]);
      }
    }
    return copy;
  }

  /** At the first step momentum and gradient point the same way, with Nesterov's momentum too. */
  private static void subtract(Optimiser.Muon muon, HiddenMatrix matrix, RealMatrix momentum,
      double[] parameters) {
    SingularValueDecomposition decomposition = new SingularValueDecomposition(momentum);
    double[] values = decomposition.getSingularValues();
    double length = Math.sqrt(DoubleStream.of(values).map(s -> s * s).sum());
    double safety = muon.orthogonaliser() == Orthogonaliser.POLAR_EXPRESS ? 1.01 : 1;
    double[] ends = DoubleStream.of(values).map(s -> {
      double value = length == 0 ? 0 : s / length / safety;
      for (Quintic quintic : muon.quintics()) {
        value = quintic.a() * value + quintic.b() * Math.pow(value, 3) + quintic.c() * Math.pow(value, 5);
      }
      return value;
    }).toArray();
    RealMatrix change = decomposition.getU()
        .multiply(MatrixUtils.createRealDiagonalMatrix(ends))
        .multiply(decomposition.getVT());
    int longer = Math.max(matrix.rows(), matrix.columns());
    double scale = muon.adjustLearningRate() == AdjustLearningRate.MATCH_RMS_ADAMW
        ? 0.2 * Math.sqrt(longer)
        : Math.sqrt(Math.max(1, (double) matrix.columns() / matrix.rows()));
    for (int i = 0; i < matrix.rows(); i++) {
      for (int j = 0; j < matrix.columns(); j++) {
        parameters[(int) matrix.offset() + i * matrix.stride() + j] -= RATE * scale * change.getEntry(i, j);
      }
    }
  }

  /** All singular values that are at least a hundredth of the matrix's length come near 1. */
  private static void assertNearOne(Orthogonaliser orthogonaliser, RealMatrix momentum, RealMatrix change,
      String what) {
    double least = orthogonaliser == Orthogonaliser.POLAR_EXPRESS ? 0.84 : 0.68;
    double most = orthogonaliser == Orthogonaliser.POLAR_EXPRESS ? 1.13 : 1.21;
    double length = momentum.getFrobeniusNorm();
    long large = DoubleStream.of(new SingularValueDecomposition(momentum).getSingularValues())
        .filter(s -> length > 0 && s >= 0.01 * length)
        .count();
    double[] found = new SingularValueDecomposition(change).getSingularValues();
    long near = DoubleStream.of(found).filter(s -> s > least - 0.005 && s < most + 0.005).count();
    assertTrue(near >= large && most(found) < most + 0.005,
        () -> what + ": " + Arrays.toString(found) + ", of which " + large + " should be near 1");
  }

  @Test
  void whatIsOrthogonalisedAndWhatNot() {
    Program program = Program.training(ModelSpec.parse("mixtral3-1-4-w4-k2-canonac"), new TokenIds(11, 0), 1,
        4, muon(Orthogonaliser.NEWTON_SCHULZ, AdjustLearningRate.ORIGINAL));
    Map<String, List<String>> shapes = new TreeMap<>();
    long covered = 0;
    for (Parameter parameter : program.parameters()) {
      covered += parameter.hidden().stream().mapToLong(HiddenMatrix::size).sum();
      if (!parameter.hidden().isEmpty()) {
        shapes.put(parameter.tensor().name(),
            parameter.hidden().stream().map(m -> m.rows() + "x" + m.columns()).toList());
      }
    }
    int inner = program.hiddenMatrices().getLast().rows();
    assertEquals(Map.of("block.0.attention.qkv.weight", List.of("16x16", "16x8", "16x8"),
        "block.0.attention.out.weight", List.of("16x16"), "block.0.mlp.router.weight", List.of("16x3"),
        "block.0.mlp.experts.in.weight", Collections.nCopies(6, "16x" + inner),
        "block.0.mlp.experts.out.weight", Collections.nCopies(3, inner + "x16")), shapes);
    long beside = program.decaysBesideHidden().stream().mapToLong(range -> range.to() - range.from()).sum();
    assertEquals(program.parameterCount(), covered + beside);
    // 5 steps of 2 s^2 l, 2 s^3 and 2 s^2 l operations.
    assertEquals(5 * (4 * 8 * 8 * 16 + 2 * 8 * 8 * 8),
        muon(Orthogonaliser.NEWTON_SCHULZ, AdjustLearningRate.ORIGINAL)
            .flops(new HiddenMatrix(0, 16, 8, 32)));
  }

  /** Of one head, what a gated delta net makes of a token is a number: its weight is a vector, which AdamW trains. */
  @Test
  void gatesOfOneHeadAreLeftToAdamW() {
    Program program = Program.training(ModelSpec.parse("llama-1-1-w8-gdn"), new TokenIds(11, 0), 1, 4,
        muon(Orthogonaliser.NEWTON_SCHULZ, AdjustLearningRate.ORIGINAL));
    assertEquals(
        List.of("block.0.gdn.qkv.weight", "block.0.gdn.gate.weight", "block.0.gdn.out.weight",
            "block.0.mlp.in.weight", "block.0.mlp.out.weight"),
        program.parameters()
            .stream()
            .filter(parameter -> !parameter.hidden().isEmpty())
            .map(parameter -> parameter.tensor().name())
            .toList());
  }

  @ParameterizedTest
  @CsvSource({"gpt2-1-2-w1-k1-nopos, block.0.attention.qkv.weight, 2 x 1",
      "gpt2-moe1-1-1-w8, block.0.mlp.router.weight, 8 x 1"})
  void vectorsAreRefused(String model, String name, String shape) {
    String message = assertThrows(IllegalArgumentException.class,
        () -> Program.training(ModelSpec.parse(model), new TokenIds(11, 0), 1, 4,
            muon(Orthogonaliser.NEWTON_SCHULZ, AdjustLearningRate.ORIGINAL)))
        .getMessage();
    assertTrue(message.contains(name) && message.contains(shape) && message.contains("vector"), message);
  }
}
