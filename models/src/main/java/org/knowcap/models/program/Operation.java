package org.knowcap.models.program;

import java.util.List;

/**
 * One coarse operation of a program. The interface is sealed: an engine switches over it without a default. Each
 * operation is one file: what it computes, what it saves for its gradient, its gradient, its cost, and where a
 * lowered program stores its tensors.
 */
public sealed interface Operation extends MemoryPlan.Use
    permits ForwardOperation, ForwardOperation.Gradient, FusedOperation {
  /** Name of the kind, for a breakdown of time. */
  default String kind() {
    Class<?> of = getClass();
    return of.isMemberClass() && this instanceof ForwardOperation.Gradient
        ? of.getEnclosingClass().getSimpleName() + of.getSimpleName()
        : of.getSimpleName();
  }

  /** Tensors that the operation reads. */
  @Override
  List<Tensor> reads();

  /** Tensors that the operation writes (activations) or adds to (parameter gradients). */
  @Override
  List<Tensor> writes();

  /**
   * Floating-point operations, where a multiply-add counts two. Only matmuls count, as in the usual 6 * P rule;
   * element-wise work is bound by {@link #bytes} instead.
   */
  default long flops() {
    return 0;
  }

  /** Bytes moved if every tensor is read and written once, in fp32. */
  default long bytes() {
    return reads().stream().mapToLong(Tensor::bytes).sum() + writes().stream().mapToLong(Tensor::bytes).sum();
  }
}
