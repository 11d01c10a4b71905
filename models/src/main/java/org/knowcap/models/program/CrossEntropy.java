package org.knowcap.models.program;

import java.util.List;

/**
 * out[r] = -ln softmax(logits[r])[targets[r]], in nats.
 *
 * @param logits [R, V]
 * @param targets [R, 1]
 * @param out [R, 1]
 * @param logSumExp saved, the logarithm of the sum of exponentials of each row of logits, [R, 1]
 */
public record CrossEntropy(Tensor logits, Tensor targets, Tensor out,
    Tensor logSumExp) implements ForwardOperation {
  public CrossEntropy(Tensor logits, Tensor targets, Tensor out) {
    this(logits, targets, out, out.saved("logSumExp", 1));
  }

  @Override
  public List<Tensor> reads() {
    return List.of(logits, targets);
  }

  @Override
  public List<Tensor> saved() {
    return List.of(logSumExp);
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dLogits = derivation.part(logits);
    derivation.add(new Backward(this, dLogits));
    derivation.pass(this, logits, dLogits);
  }

  /** Lowering fuses it with the matmul before it: {@link FusedOperation.LossHead}. */
  @Override
  public CrossEntropy lowered(Storage storage) {
    throw new IllegalStateException("a cross-entropy must follow the matmul of its logits, found " + this);
  }

  /**
   * The gradient of the mean loss over R tokens: dLogits[r] = (softmax(logits[r]) - onehot(targets[r])) / R, [R, V].
   */
  public record Backward(CrossEntropy forward, Tensor dLogits) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.logits, forward.targets, forward.logSumExp);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dLogits);
    }

    /** Lowering fuses it with the loss: {@link FusedOperation.LossHead}. */
    @Override
    public Backward lowered(Storage storage) {
      throw new IllegalStateException("the gradient of the loss must follow the loss, found " + this);
    }
  }
}
