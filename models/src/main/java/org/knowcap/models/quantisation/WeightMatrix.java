package org.knowcap.models.quantisation;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.models.program.CrossEntropy;
import org.knowcap.models.program.Dispatch;
import org.knowcap.models.program.ExpertLinear;
import org.knowcap.models.program.Linear;
import org.knowcap.models.program.ForwardOperation;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.Tensor;

/**
 * A matrix of weights in the flat parameters, with the operation that multiplies its input by the matrix.
 *
 * @param operation reads the rows {@code x}
 * @param x [R, inputs], or [slots, inputs] as {@link Dispatch} lays them out
 * @param rows which rows of x are multiplied by this matrix; absent where all are
 * @param offset its first element in the flat parameters
 * @param transposed whether it lies there as [outputs, inputs] instead of [inputs, outputs]
 */
record WeightMatrix(ForwardOperation operation, Tensor x, Optional<ExpertRows> rows, long offset, int inputs,
    int outputs, boolean transposed) {
  /**
   * The rows of one expert.
   *
   * @param weights routing weights, [R, E], 0 where a token has no slot at an expert
   */
  record ExpertRows(Tensor weights, int expert) {
    /** The tokens that have a slot at an expert, given the routing weights. */
    private IntStream tokens(float[] values, int at) {
      return IntStream.range(0, weights.rows()).filter(token -> values[token * weights.columns() + at] != 0);
    }
  }

  /**
   * The matrices that are quantised, in the order of their use, grouped by operation. These are the matrices of
   * every linear operation, each expert's separately. The head (tied or not), embeddings, biases, norms, and what a matmul
   * reads in fp32 even in a bf16 program (routers, decays of recurrences) are kept. A matrix that loops use several times
   * counts once, where it is used first.
   */
  static List<List<WeightMatrix>> byOperation(Program program) {
    Set<Tensor> kept = program.forward()
        .stream()
        .flatMap(o -> o instanceof CrossEntropy loss ? Stream.of(loss.logits()) : Stream.of())
        .collect(Collectors.toSet());
    Set<Tensor> seen = new HashSet<>();
    List<List<WeightMatrix>> matrices = new ArrayList<>();
    for (ForwardOperation operation : program.forward()) {
      switch (operation) {
        case Linear o -> {
          if (!o.exact() && !kept.contains(o.out()) && seen.add(o.weight())) {
            matrices.add(List.of(new WeightMatrix(o, o.x(), Optional.empty(),
                program.parameter(o.weight()).offset(), o.x().columns(), o.out().columns(), o.transposed())));
          }
        }
        case ExpertLinear o when seen.add(o.weight()) -> matrices.add(IntStream
            .range(0, o.weights().columns())
            .mapToObj(expert -> new WeightMatrix(o, o.x(), Optional.of(new ExpertRows(o.weights(), expert)),
                program.parameter(o.weight()).offset() + (long) expert * o.x().columns() * o.out().columns(),
                o.x().columns(), o.out().columns(), false))
            .toList());
        default -> {
          // No matrix, or one that is kept.
        }
      }
    }
    return List.copyOf(matrices);
  }

  /** Whether a matrix is used several times, as loops use it, with other inputs each time. */
  static boolean loops(Program program) {
    long uses = program.forward()
        .stream()
        .filter(o -> o instanceof Linear || o instanceof ExpertLinear)
        .count();
    return uses > program.forward().stream().flatMap(o -> switch (o) {
      case Linear linear -> Stream.of(linear.weight());
      case ExpertLinear linear -> Stream.of(linear.weight());
      default -> Stream.<Tensor>of();
    }).distinct().count();
  }

  /** The token of each row that is multiplied by it, given what its operation reads. */
  int[] tokens(Map<Tensor, float[]> read) {
    return rows.map(s -> s.tokens(read.get(s.weights), s.expert))
        .orElseGet(() -> IntStream.range(0, x.rows()))
        .toArray();
  }

  /** The first of these rows: the experts before it have theirs before. */
  int firstRow(Map<Tensor, float[]> read) {
    return rows.map(s -> (int) IntStream.range(0, s.expert)
        .mapToLong(earlier -> s.tokens(read.get(s.weights), earlier).count())
        .sum()).orElse(0);
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
