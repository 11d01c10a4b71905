package org.knowcap.models.program;

/**
 * A trainable tensor and its place in the flat parameter buffer.
 *
 * @param offset first element in the flat buffer
 * @param initial its initial values
 * @param group the group whose weight decay it has
 */
public record Parameter(Tensor tensor, long offset, Initial initial, Group group) {
  /** Parameters of one weight decay, in the order they have in the flat buffer. */
  public enum Group {
    /** Tables whose rows are looked up by a token or a position. */
    EMBEDDINGS,
    /** Weights of matmuls and of convolutions. */
    MATRICES,
    /** Biases and norms' gains. */
    VECTORS
  }

  /** The initial values of a parameter. */
  public sealed interface Initial {
    /** All elements have one value. */
    record Constant(float value) implements Initial {}

    /** Independent normal elements around zero. */
    record Normal(double std) implements Initial {}
  }

  /** The tensor that collects this parameter's gradient, at the same offset of the gradient buffer. */
  public Tensor gradient() {
    return new Tensor(tensor.name() + ".gradient", Tensor.Role.PARAMETER_GRADIENT, tensor.rows(),
        tensor.columns());
  }
}
