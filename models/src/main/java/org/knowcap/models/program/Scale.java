package org.knowcap.models.program;

import java.util.List;

/**
 * out = factor * x.
 *
 * @param x [R, n]
 * @param out [R, n]
 */
public record Scale(double factor, Tensor x, Tensor out) implements ForwardOperation {
  @Override
  public List<Tensor> reads() {
    return List.of(x);
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dX = derivation.part(x);
    derivation.add(new Backward(this, derivation.gradient(out), dX));
    derivation.pass(this, x, dX);
  }

  @Override
  public Scale lowered(Storage storage) {
    return new Scale(factor, storage.fp32(x), storage.inFp32(out));
  }

  /** dX = factor * dOut, both [R, n]. */
  public record Backward(Scale forward, Tensor dOut, Tensor dX) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(forward, storage.fp32(dOut), storage.inFp32(dX));
    }
  }
}
