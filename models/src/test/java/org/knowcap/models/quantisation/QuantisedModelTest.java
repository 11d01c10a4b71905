package org.knowcap.models.quantisation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.engine.Batches;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.InspectableSession;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.nd4j.Nd4jEngine;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.reference.ReferenceSession;
import org.knowcap.models.architecture.ModelSpec;

class QuantisedModelTest {
  private static final int VOCABULARY = 11;
  private static final int[] LENGTHS = {9, 4, 1};

  private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(17);

  private static Program program(String model) {
    return Program.scoring(ModelSpec.parse(model), VOCABULARY, 3, 9);
  }

  private float[] parameters(Program program) {
    return Batches.parameters(program, 0.3, random).get(Session.PARAMETERS);
  }

  private List<Calibration.Batch> batches(Program program) {
    return IntStream.range(0, 3)
        .mapToObj(i -> new Calibration.Batch(Batches.random(program, VOCABULARY, random).tokens(), LENGTHS))
        .toList();
  }

  private static InspectableSession session(Program program) {
    return new Nd4jEngine().compile(program, Execution.PLAIN);
  }

  private static List<float[]> rows(Inputs inputs) {
    List<float[]> rows = new ArrayList<>();
    inputs.forEach(rows::add);
    return rows;
  }

  /** What the engine shows is what the definition of the model has there, for texts and not for the filler. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt2-2-2-w8", "llama-2-2-w8", "mistral-1-4-w8", "gpt2-nomlp-2-2-w8"})
  void calibrationSeesWhatEachMatrixIsMultipliedBy(String model) {
    Program program = program(model);
    float[] parameters = parameters(program);
    List<Calibration.Batch> batches = batches(program);
    try (InspectableSession session = session(program)) {
      Calibration calibration = new Calibration(program, session, batches);
      ReferenceSession reference = new ReferenceSession(program);
      reference.load(Map.of(Session.PARAMETERS, parameters));
      for (WeightMatrix matrix : matrices(program)) {
        List<float[]> seen = rows(
            calibration.inputs(matrix, calibration.run(matrix.operation(), parameters)));
        assertEquals(3 * 14, seen.size());
        int next = 0;
        for (Calibration.Batch batch : batches) {
          reference.meanLoss(batch.tokens(), batch.tokens());
          double[] all = reference.value(matrix.x());
          for (int window = 0; window < 3; window++) {
            for (int t = 0; t < LENGTHS[window]; t++) {
              assertRow(all, window * 9 + t, seen.get(next++));
            }
          }
        }
      }
    }
  }

  private static void assertRow(double[] all, int row, float[] seen) {
    for (int i = 0; i < seen.length; i++) {
      assertEquals(all[row * seen.length + i], seen[i], 1e-4);
    }
  }

  private static List<WeightMatrix> matrices(Program program) {
    return WeightMatrix.byOperation(program).stream().flatMap(List::stream).toList();
  }

  /** Before they are dispatched, an expert's rows are those of the tokens with a slot at it. */
  @Test
  void anExpertSeesTheTokensThatHaveASlotAtIt() {
    Program program = program("gpt2-moe3-1-2-w8-top2");
    float[] parameters = parameters(program);
    List<Calibration.Batch> batches = batches(program);
    ReferenceSession reference = new ReferenceSession(program);
    reference.load(Map.of(Session.PARAMETERS, parameters));
    Dispatch dispatch = program.forward()
        .stream()
        .filter(Dispatch.class::isInstance)
        .map(Dispatch.class::cast)
        .findFirst()
        .orElseThrow();
    try (InspectableSession session = session(program)) {
      Calibration calibration = new Calibration(program, session, batches);
      List<WeightMatrix> experts = matrices(program).stream()
          .filter(matrix -> matrix.rows().isPresent())
          .toList();
      assertEquals(2 * 3, experts.size());
      int sitting = 0;
      for (WeightMatrix matrix : experts.subList(0, 3)) {
        List<float[]> seen = rows(
            calibration.inputs(matrix, calibration.run(matrix.operation(), parameters)));
        int next = 0;
        for (Calibration.Batch batch : batches) {
          reference.meanLoss(batch.tokens(), batch.tokens());
          double[] weights = reference.value(dispatch.weights());
          for (int token = 0; token < program.rows(); token++) {
            if (token % 9 < LENGTHS[token / 9] && weights[token * 3 + matrix.rows().get().expert()] != 0) {
              assertRow(reference.value(dispatch.x()), token, seen.get(next++));
            }
          }
        }
        assertEquals(next, seen.size());
        sitting += next;
      }
      assertTrue(sitting > 3 * 14 && sitting <= 2 * 3 * 14, "two experts for most tokens: " + sitting);
    }
  }

  /** All matrices of blocks change, and nothing else, in the right orientation. */
  @ParameterizedTest
  @ValueSource(
      strings = {"gpt2-2-2-w8", "llama-1-2-w8", "llama-1-2-w8-tied", "gpt2-moe3-1-2-w8",
          "mistral-1-4-w8-qknorm", "llama-1-2-w8-canonabcd", "llama-2-2-w8-glagdn", "llama-2-2-w8-loops3",
          "gpt2-2-2-w8-ngram9"})
  void blocksAreRoundedAndTheRestIsKept(String model) {
    Program program = program(model);
    float[] parameters = parameters(program);
    try (InspectableSession session = session(program)) {
      QuantisedModel quantised = QuantisedModel.of(program, parameters, new RoundToNearest(2, 1000),
          new Calibration(program, session, List.of()));
      long weights = 0;
      for (Parameter parameter : program.parameters()) {
        int from = (int) parameter.offset();
        int columns = parameter.tensor().columns();
        float[] before = Arrays.copyOfRange(parameters, from, from + (int) parameter.tensor().size());
        float[] after = Arrays.copyOfRange(quantised.parameters(), from,
            from + (int) parameter.tensor().size());
        if (parameter.tensor().name().matches("block.*weight")
            && !parameter.tensor().name().matches(".*(router|canon|decay\\.|strength).*")) {
          weights += before.length;
          int inputs = parameter.tensor().rows() / (parameter.tensor().name().contains("experts") ? 3 : 1);
          // An output is a column, of each expert, and has a grid of its own.
          for (int first = 0; first < before.length; first += inputs * columns) {
            for (int output = first; output < first + columns; output++) {
              int column = output;
              assertTrue(IntStream.range(0, inputs)
                  .mapToObj(input -> after[input * columns + column])
                  .distinct()
                  .count() <= 4);
            }
          }
        } else {
          assertArrayEquals(before, after, parameter.tensor().name());
        }
      }
      assertEquals(weights, quantised.weights());
      assertEquals(program.parameterCount() - weights, quantised.keptParameters());
      long outputs = matrices(program).stream().mapToLong(WeightMatrix::outputs).sum();
      assertEquals(2 * weights + outputs * (16 + 2), quantised.weightBits());
      assertEquals(quantised.weightBits() + 32 * quantised.keptParameters(), quantised.modelBits());
    }
  }

  @Test
  void aMatrixOfLoopsHasNoInputsToBeCalibratedBy() {
    Program program = program("llama-2-2-w8-loops3");
    try (InspectableSession session = session(program)) {
      Calibration calibration = new Calibration(program, session, batches(program));
      String message = assertThrows(IllegalArgumentException.class,
          () -> QuantisedModel.of(program, parameters(program), new Gptq(3, 4, true), calibration))
          .getMessage();
      assertTrue(
          message.contains("gptq-act-order rounds a matrix by its inputs") && message.contains("use rtn"),
          message);
    }
  }

  /** Each matrix by hand, its inputs from the model with the earlier ones rounded. */
  @Test
  void laterMatricesSeeTheErrorsOfEarlierOnes() {
    Program program = program("gpt2-2-2-w8");
    float[] parameters = parameters(program);
    Gptq gptq = new Gptq(3, 4, true);
    try (InspectableSession session = session(program)) {
      Calibration calibration = new Calibration(program, session, batches(program));
      float[] expected = parameters.clone();
      for (WeightMatrix matrix : matrices(program)) {
        List<float[]> rows = rows(calibration.inputs(matrix, calibration.run(matrix.operation(), expected)));
        double[][] weights = matrix.read(expected);
        gptq.quantise(weights, rows::forEach);
        matrix.write(weights, expected);
      }
      assertArrayEquals(expected, QuantisedModel.of(program, parameters, gptq, calibration).parameters());
    }
  }

  @Test
  void aWeightThatIsNoNumberIsNamed() {
    Program program = program("gpt2-1-1-w8");
    float[] parameters = parameters(program);
    Parameter out = program.parameters()
        .stream()
        .filter(parameter -> parameter.tensor().name().equals("block.0.mlp.out.weight"))
        .findFirst()
        .orElseThrow();
    parameters[(int) out.offset() + 5] = Float.NaN;
    try (InspectableSession session = session(program)) {
      String message = assertThrows(IllegalArgumentException.class, () -> QuantisedModel.of(program,
          parameters, new NormalFloat(64), new Calibration(program, session, List.of()))).getMessage();
      assertTrue(message.contains("element 5 of block.0.mlp.out.weight") && message.contains("NaN"), message);
    }
  }
}
