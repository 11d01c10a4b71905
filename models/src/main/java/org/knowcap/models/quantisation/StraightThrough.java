package org.knowcap.models.quantisation;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.knowcap.models.engine.WeightRounding;
import org.knowcap.models.program.Program;

/** Rounds a model's matrices in training, as a quantiser does after training. */
public record StraightThrough(Quantiser quantiser) implements WeightRounding {
  public StraightThrough {
    if (quantiser.calibrated()) {
      throw new IllegalArgumentException(
          quantiser.method() + " depends on texts, and cannot round in training");
    }
  }

  @Override
  public List<Consumer<float[]>> matrices(Program program) {
    quantiser.requireFit(program);
    return WeightMatrix.byOperation(program)
        .stream()
        .flatMap(List::stream)
        .<Consumer<float[]>>map(matrix -> parameters -> round(matrix, parameters))
        .toList();
  }

  private void round(WeightMatrix matrix, float[] parameters) {
    double[][] weights = matrix.read(parameters);
    // Where training has diverged, the loss says so.
    if (IntStream.range(0, weights.length).allMatch(output -> finite(weights[output]))) {
      quantiser.quantise(weights, _ -> {});
      matrix.write(weights, parameters);
    }
  }

  private static boolean finite(double[] row) {
    double sum = 0;
    for (double weight : row) {
      sum += Math.abs(weight);
    }
    return Double.isFinite(sum);
  }
}
