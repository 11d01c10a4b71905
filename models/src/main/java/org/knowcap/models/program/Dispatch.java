package org.knowcap.models.program;

import java.util.List;

/**
 * Copies tokens to their experts' slots: out has the row of x of each (token, expert) pair whose routing weight is not 0, all
 * of the first expert's before the second's, each expert's in the order of tokens. Rows that are left over are zero.
 *
 * @param x [R, d]
 * @param weights routing weights, [R, E]
 * @param out [S, d], S = {@link ExpertRouting#slots}
 */
public record Dispatch(Tensor x, Tensor weights, ExpertRouting routing,
    Tensor out) implements ForwardOperation {
  @Override
  public List<Tensor> reads() {
    return List.of(x, weights);
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dX = derivation.part(x);
    derivation.add(new Backward(this, derivation.gradient(out), dX));
    derivation.pass(this, x, dX);
  }

  @Override
  public Dispatch lowered(Storage storage) {
    return new Dispatch(storage.read(x), weights, routing, out);
  }

  /** dX[r] = sum of the rows of dOut [S, d] in token r's slots; [R, d]. */
  public record Backward(Dispatch forward, Tensor dOut, Tensor dX) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.weights, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX);
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(forward, storage.read(dOut), storage.inFp32(dX));
    }
  }
}
