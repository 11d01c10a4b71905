package org.knowcap.models.interchange;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/** Collects the counterparts of a program's parameters. PyTorch keeps matrices as [outputs, inputs], we as [inputs, outputs]. */
final class Counterparts {
  private final Map<String, Parameter> parameters;
  private final List<Counterpart> list = new ArrayList<>();

  Counterparts(Program program) {
    parameters = program.parameters()
        .stream()
        .collect(Collectors.toMap(parameter -> parameter.tensor().name(), Function.identity()));
  }

  List<Counterpart> list() {
    return List.copyOf(list);
  }

  /** A vector or a matrix of rows, such as an embedding, as ours is. */
  void same(String theirs, String ours) {
    Parameter parameter = parameters.get(ours);
    int columns = parameter.tensor().columns();
    long[] shape = parameter.tensor().rows() == 1
        ? new long[]{columns}
        : new long[]{parameter.tensor().rows(), columns};
    int offset = (int) parameter.offset();
    list.add(new Counterpart(theirs, shape, (row, column) -> offset + row * columns + column));
  }

  /** A vector that is a part of ours. */
  void part(String theirs, String ours, int from, int columns) {
    int offset = (int) parameters.get(ours).offset() + from;
    list.add(new Counterpart(theirs, new long[]{columns}, (row, column) -> offset + column));
  }

  /** A matrix that PyTorch keeps as our transpose. */
  void transposed(String theirs, String ours) {
    transposed(theirs, parameters.get(ours), parameters.get(ours).tensor().columns(), column -> column);
  }

  private void transposed(String theirs, Parameter ours, int outputs, IntUnaryOperator column) {
    int offset = (int) ours.offset();
    int width = ours.tensor().columns();
    list.add(new Counterpart(theirs, new long[]{outputs, ours.tensor().rows()},
        (output, input) -> offset + input * width + column.applyAsInt(output)));
  }

  /** transformers' Conv1D, which is a product as ours is: {@code theirs.weight} [inputs, outputs] and {@code theirs.bias}. */
  void convolution(String theirs, String ours) {
    same(theirs + ".weight", ours + ".weight");
    same(theirs + ".bias", ours + ".bias");
  }

  /** PyTorch's Linear: {@code theirs.weight} [outputs, inputs] and, where ours has one, {@code theirs.bias}. */
  void linear(String theirs, String ours) {
    linear(theirs, ours, parameters.get(ours + ".weight").tensor().columns(), column -> column);
  }

  /**
   * A Linear that is a part of ours, or has its outputs in another order.
   *
   * @param outputs how many it has
   * @param column which column of our matrix makes each of them
   */
  void linear(String theirs, String ours, int outputs, IntUnaryOperator column) {
    transposed(theirs + ".weight", parameters.get(ours + ".weight"), outputs, column);
    if (parameters.containsKey(ours + ".bias")) {
      int offset = (int) parameters.get(ours + ".bias").offset();
      list.add(new Counterpart(theirs + ".bias", new long[]{outputs},
          (row, output) -> offset + column.applyAsInt(output)));
    }
  }

  /**
   * One expert's Linear, a part of ours where all experts' matrices are one under the other.
   *
   * @param outputs how many it has
   * @param column which column of our matrices makes each of them
   */
  void expert(String theirs, String ours, int expert, int experts, int outputs, IntUnaryOperator column) {
    Parameter weight = parameters.get(ours + ".weight");
    int inputs = weight.tensor().rows() / experts;
    int width = weight.tensor().columns();
    int offset = (int) weight.offset() + expert * inputs * width;
    list.add(new Counterpart(theirs + ".weight", new long[]{outputs, inputs},
        (output, input) -> offset + input * width + column.applyAsInt(output)));
  }
}
