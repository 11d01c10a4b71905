package org.knowcap.models.program;

import java.util.List;
import org.knowcap.models.architecture.Activation;

/**
 * out = activation(x).
 *
 * @param x [R, n]
 * @param out [R, n]
 */
public record Activate(Activation activation, Tensor x, Tensor out) implements ForwardOperation {
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
  public Activate lowered(Storage storage) {
    return new Activate(activation, storage.read(x), out);
  }

  /** dX = dOut * activation'(x), all [R, n]. */
  public record Backward(Activate forward, Tensor dOut, Tensor dX) implements ForwardOperation.Gradient {
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
      Activate stored = new Activate(forward.activation, storage.read(forward.x), forward.out);
      Tensor gradient = storage.inPlace(dOut, dX);
      return new Backward(stored, gradient, gradient);
    }
  }
}
