package org.knowcap.models.program;

import java.util.List;

/**
 * One coarse operation of a program. The family is closed: an engine switches over it without a default.
 */
public sealed interface Operation extends MemoryPlan.Use permits ForwardOperation, BackwardOperation {
  /** What it reads. */
  @Override
  List<Tensor> reads();

  /** What it writes (activations) or adds to (parameter gradients). */
  @Override
  List<Tensor> writes();

  /**
   * Floating-point operations, where a multiply-add counts two. Only products count, as in the usual 6 * P rule;
   * element-wise work is bound by {@link #bytes} instead.
   */
  long flops();

  /** Bytes moved if every tensor is read and written once, in fp32. */
  default long bytes() {
    return reads().stream().mapToLong(Tensor::bytes).sum() + writes().stream().mapToLong(Tensor::bytes).sum();
  }
}
