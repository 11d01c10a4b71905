package org.knowcap.models.program;

import java.util.List;

/**
 * out = a + b.
 *
 * @param a [R, d]
 * @param b [R, d]
 * @param residual whether the sum is the residual stream, which stays in fp32 even in a bf16 program
 * @param out [R, d]
 */
public record Add(Tensor a, Tensor b, boolean residual, Tensor out) implements ForwardOperation {
  /** The residual stream's addition. */
  public Add(Tensor a, Tensor b, Tensor out) {
    this(a, b, true, out);
  }

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
    return new Add(storage.read(a), storage.read(b), residual, residual ? storage.inFp32(out) : out);
  }
}
