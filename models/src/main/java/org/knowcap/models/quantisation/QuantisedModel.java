package org.knowcap.models.quantisation;

import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;

/**
 * A model whose weight matrices have been rounded.
 *
 * @param parameters the numbers that codes stand for, and all others, [P], fp32
 * @param weights that were rounded
 * @param weightBits bits that the rounded weights take, with scales and everything else that is needed to read them
 * @param keptParameters number of parameters that stay in fp32: embeddings, head, routers, gates of recurrences, biases,
 *        norms
 */
public record QuantisedModel(float[] parameters, long weights, long weightBits, long keptParameters) {
  private static final int KEPT_BITS = 32;

  /**
   * Rounds matrix after matrix, in the order in which the model uses them. The inputs of a matrix in calibration
   * come from the model with all earlier matrices rounded, so that the matrix can also compensate for their errors.
   *
   * @param program scores one batch
   * @param parameters [P]; left as they are
   * @throws IllegalArgumentException if a parameter is not a finite number, or the quantiser's blocks fit into no matrix
   */
  public static QuantisedModel of(Program program, float[] parameters, Quantiser quantiser,
      Calibration calibration) {
    return of(program, parameters, quantiser, (together, rounded) -> {
      List<Map<Tensor, float[]>> read = quantiser.calibrated()
          ? calibration.run(together.getFirst().operation(), rounded)
          : List.of();
      return matrix -> calibration.inputs(matrix, read);
    });
  }

  /**
   * The same by a quantiser that is not calibrated.
   *
   * @throws IllegalArgumentException as above, or if the quantiser is calibrated
   */
  public static QuantisedModel of(Program program, float[] parameters, Quantiser quantiser) {
    if (quantiser.calibrated()) {
      throw new IllegalArgumentException(quantiser.method() + " needs texts to calibrate on");
    }
    return of(program, parameters, quantiser, (_, _) -> _ -> _ -> {});
  }

  private static QuantisedModel of(Program program, float[] parameters, Quantiser quantiser,
      BiFunction<List<WeightMatrix>, float[], Function<WeightMatrix, Inputs>> calibration) {
    requireFinite(program, parameters);
    quantiser.requireFit(program);
    float[] rounded = parameters.clone();
    long weights = 0;
    long weightBits = 0;
    for (List<WeightMatrix> together : WeightMatrix.byOperation(program)) {
      Function<WeightMatrix, Inputs> inputs = calibration.apply(together, rounded);
      for (WeightMatrix matrix : together) {
        double[][] content = matrix.read(rounded);
        weightBits += quantiser.quantise(content, inputs.apply(matrix));
        matrix.write(content, rounded);
        weights += matrix.size();
      }
    }
    return new QuantisedModel(rounded, weights, weightBits, program.parameterCount() - weights);
  }

  private static void requireFinite(Program program, float[] parameters) {
    for (Parameter parameter : program.parameters()) {
      for (int i = 0; i < parameter.tensor().size(); i++) {
        float value = parameters[(int) parameter.offset() + i];
        if (!Float.isFinite(value)) {
          throw new IllegalArgumentException("element " + i + " of " + parameter.tensor() + " is " + value
              + "; only finite weights can be quantised");
        }
      }
    }
  }

  /** Bits of a rounded weight, with its share of scales and zero points. */
  public double bitsPerWeight() {
    return (double) weightBits / weights;
  }

  /** Bits that the whole model takes. */
  public long modelBits() {
    return weightBits + KEPT_BITS * keptParameters;
  }
}
