package org.knowcap.models.quantisation;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;

/**
 * A matrix of weights in the flat parameters, with the operation that multiplies by it.
 *
 * @param operation reads the rows {@code x}
 * @param x [R, inputs]
 * @param offset its first element in the flat parameters
 * @param transposed whether it lies there as [outputs, inputs] instead of [inputs, outputs]
 */
record WeightMatrix(ForwardOperation operation, Tensor x, long offset, int inputs, int outputs,
    boolean transposed) {
  /**
   * The matrices that are quantised, in the order in which they are used: those of every linear operation but the head,
   * which gives the logits. Embeddings and the head, tied or not, biases and norms are kept.
   *
   * @throws IllegalArgumentException where the model has experts
   */
  static List<WeightMatrix> of(Program program) {
    Tensor logits = program.forward().stream()
        .flatMap(operation -> operation instanceof ForwardOperation.CrossEntropy last
            ? Optional.of(last.logits()).stream()
            : null)
        .findFirst().orElseThrow();
    List<WeightMatrix> matrices = new ArrayList<>();
    for (ForwardOperation operation : program.forward()) {
      switch (operation) {
        case ForwardOperation.Linear o -> {
          if (!o.out().equals(logits)) {
            matrices.add(new WeightMatrix(o, o.x(), offset(program, o.weight()), o.x().columns(),
                o.out().columns(), o.transposed()));
          }
        }
        case ForwardOperation.ExpertLinear o -> throw new IllegalArgumentException(
            "a model with experts cannot be quantised, found " + o.weight());
        case ForwardOperation.Route _,ForwardOperation.Dispatch _,ForwardOperation.Combine _,ForwardOperation.Embedding _,ForwardOperation.LearnedPositions _,ForwardOperation.Norm _,ForwardOperation.Activate _,ForwardOperation.Gate _,ForwardOperation.Rotary _,ForwardOperation.Attention _,ForwardOperation.Add _,ForwardOperation.CrossEntropy _ -> {
          // No matrix, or one that is kept.
        }
      }
    }
    return List.copyOf(matrices);
  }

  private static long offset(Program program, Tensor weight) {
    return program.parameters().stream().filter(parameter -> parameter.tensor().equals(weight))
        .mapToLong(Parameter::offset).findFirst().orElseThrow();
  }

  /** Number of weights. */
  long size() {
    return (long) inputs * outputs;
  }

  private int place(int output, int input) {
    return (int) offset + (transposed ? output * inputs + input : input * outputs + output);
  }

  /** The weights, [outputs][inputs]. */
  double[][] read(float[] parameters) {
    double[][] weights = new double[outputs][inputs];
    for (int output = 0; output < outputs; output++) {
      for (int input = 0; input < inputs; input++) {
        weights[output][input] = parameters[place(output, input)];
      }
    }
    return weights;
  }

  /** Overwrites the weights. */
  void write(double[][] weights, float[] parameters) {
    for (int output = 0; output < outputs; output++) {
      for (int input = 0; input < inputs; input++) {
        parameters[place(output, input)] = (float) weights[output][input];
      }
    }
  }
}
