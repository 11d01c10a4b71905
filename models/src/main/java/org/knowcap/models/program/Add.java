package org.knowcap.models.program;

import java.util.List;

/**
 * out = a + b, the residual stream's addition.
 *
 * @param a [R, d]
 * @param b [R, d]
 * @param out [R, d]
 */
public record Add(Tensor a, Tensor b, Tensor out) implements ForwardOperation {
  @Override
  public List<Tensor> reads() {
    return List.of(a, b);
  }

  /** Its gradient is passed on to both sides as it is. */
  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dOut = derivation.gradient(out);
    derivation.pass(this, a, dOut);
    derivation.pass(this, b, dOut);
  }

  @Override
  public Add lowered(Storage storage) {
    return new Add(storage.read(a), storage.read(b), storage.inFp32(out));
  }
}
