package org.knowcap.models.program;

import java.util.List;
import org.knowcap.models.architecture.Activation;

/**
 * out = activation(left half of x) * right half of x: SwiGLU or GeGLU.
 *
 * @param x [R, 2n]
 * @param out [R, n]
 */
public record GatedActivation(Activation activation, Tensor x, Tensor out) implements ForwardOperation {
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
  public GatedActivation lowered(Storage storage) {
    return new GatedActivation(activation, storage.read(x), out);
  }

  /** With x's halves l and r: dOut * r * activation'(l) and dOut * activation(l), side by side, [R, 2n]. */
  public record Backward(GatedActivation forward, Tensor dOut,
      Tensor dX) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(new GatedActivation(forward.activation, storage.read(forward.x), forward.out),
          storage.read(dOut), dX);
    }
  }
}
