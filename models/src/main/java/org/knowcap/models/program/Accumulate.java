package org.knowcap.models.program;

import java.util.List;

/**
 * out = a + b: joins the gradients of an activation that two operations read.
 *
 * @param forward the operation that b comes from
 */
public record Accumulate(ForwardOperation forward, Tensor a, Tensor b,
    Tensor out) implements ForwardOperation.Gradient {
  @Override
  public List<Tensor> reads() {
    return List.of(a, b);
  }

  @Override
  public List<Tensor> writes() {
    return List.of(out);
  }

  @Override
  public Accumulate lowered(Storage storage) {
    return new Accumulate(forward, storage.read(a), storage.read(b), storage.inFp32(out));
  }
}
