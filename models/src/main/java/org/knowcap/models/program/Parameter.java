package org.knowcap.models.program;

import java.util.List;

/**
 * A tensor of a model that training may change, and its place in the flat parameter buffer.
 *
 * @param offset first element in the flat buffer
 * @param initial its initial values
 * @param group the group whose weight decay it has
 * @param hidden the hidden layers' matrices that it consists of; empty for all other parameters: embeddings, the head,
 *        convolutions, vectors
 */
public record Parameter(Tensor tensor, long offset, Initial initial, Group group, List<HiddenMatrix> hidden) {
  public Parameter {
    long covered = hidden.stream().mapToLong(HiddenMatrix::size).sum();
    if (!hidden.isEmpty() && (group != Group.MATRICES || covered != tensor.size())) {
      throw new IllegalArgumentException(
          tensor.name() + " of " + tensor.size() + " numbers in " + group + " does not consist of " + hidden);
    }
    hidden = List.copyOf(hidden);
  }

  /** A parameter that is no matrix of a hidden layer. */
  public Parameter(Tensor tensor, long offset, Initial initial, Group group) {
    this(tensor, offset, initial, group, List.of());
  }

  /** Parameters of one weight decay, in the order they have in the flat buffer. */
  public enum Group {
    /** Tables whose rows are looked up by a token or a position. */
    EMBEDDINGS,
    /** Weights of matmuls and of convolutions. */
    MATRICES,
    /** Biases and norms' gains. */
    VECTORS,
    /** What training does not change: all but the adapters, where a model has adapters. */
    FROZEN
  }

  /** The initial values of a parameter. */
  public sealed interface Initial {
    /** All elements have one value. */
    record Constant(float value) implements Initial {}

    /** Independent normal elements around zero. */
    record Normal(double std) implements Initial {}
  }

  /** Whether training changes it. */
  public boolean trained() {
    return group != Group.FROZEN;
  }

  /** This parameter at another place. */
  Parameter at(long place) {
    return new Parameter(tensor, place, initial, group,
        hidden.stream().map(matrix -> matrix.shifted(place - offset)).toList());
  }

  /** The tensor that collects this parameter's gradient, at the same offset of the gradient buffer. */
  public Tensor gradient() {
    return new Tensor(tensor.name() + ".gradient", Tensor.Role.PARAMETER_GRADIENT, tensor.rows(),
        tensor.columns());
  }
}
