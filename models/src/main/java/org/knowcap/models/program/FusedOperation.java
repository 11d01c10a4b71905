package org.knowcap.models.program;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Several operations that a lowered program computes as one, and its copies of tensors. */
public sealed interface FusedOperation extends Operation {
  /** out = x, in the precision that out is stored in. */
  record Copy(Tensor x, Tensor out) implements FusedOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(out);
    }
  }

  /** A sum and its norm; both are kept. */
  record AddNorm(Add sum, Normalisation norm) implements FusedOperation {
    @Override
    public List<Tensor> reads() {
      return Stream.concat(sum.reads().stream(), norm.reads().stream().skip(1)).toList();
    }

    @Override
    public List<Tensor> writes() {
      return Stream.concat(sum.writes().stream(), norm.writes().stream()).toList();
    }
  }

  /**
   * dX = the norm's gradient, plus another gradient of x if there is one.
   *
   * @param residual the other gradient of x, in the shape of dX
   * @param copy dX as matmuls read it, in bf16, if one does
   */
  record NormBackward(Normalisation.Backward norm, Optional<Tensor> residual,
      Optional<Tensor> copy) implements FusedOperation {
    @Override
    public List<Tensor> reads() {
      return Stream.concat(norm.reads().stream(), residual.stream()).toList();
    }

    @Override
    public List<Tensor> writes() {
      return Stream.concat(norm.writes().stream(), copy.stream()).toList();
    }
  }

  /**
   * The last matmul and the cross-entropy, and in training the gradients of both. Engines keep the logits of a few
   * rows at a time, and losses in a buffer of their own.
   */
  record LossHead(Linear linear, CrossEntropy loss,
      Optional<Linear.Backward> backward) implements FusedOperation {
    @Override
    public List<Tensor> reads() {
      List<Tensor> reads = new ArrayList<>(linear.reads());
      reads.add(loss.targets());
      return reads;
    }

    @Override
    public List<Tensor> writes() {
      return backward.map(Linear.Backward::writes).orElse(List.of());
    }
  }
}
