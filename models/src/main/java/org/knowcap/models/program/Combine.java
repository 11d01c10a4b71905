package org.knowcap.models.program;

import java.util.List;

/**
 * out[r] = sum over experts e of weights[r, e] * (row of x in token r's slot at e).
 *
 * @param x [S, d], dispatched as by {@link Dispatch}
 * @param weights routing weights, [R, E]
 * @param out [R, d]
 */
public record Combine(Tensor x, Tensor weights, ExpertRouting routing,
    Tensor out) implements ForwardOperation {
  @Override
  public List<Tensor> reads() {
    return List.of(x, weights);
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dX = derivation.part(x);
    Tensor dWeights = derivation.part(weights);
    derivation.add(new Backward(this, derivation.gradient(out), dX, dWeights));
    derivation.pass(this, x, dX);
    derivation.pass(this, weights, dWeights);
  }

  @Override
  public Combine lowered(Storage storage) {
    return new Combine(storage.read(x), weights, routing, storage.inFp32(out));
  }

  /**
   * In token r's slot at expert e: dX = weights[r, e] * dOut[r] in that row, and dWeights[r, e] = the row of x times dOut[r].
   * The rest of dX [S, d] and dWeights [R, E] is zero.
   */
  public record Backward(Combine forward, Tensor dOut, Tensor dX,
      Tensor dWeights) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x, forward.weights, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX, dWeights);
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(new Combine(storage.read(forward.x), forward.weights, forward.routing, forward.out),
          storage.read(dOut), dX, dWeights);
    }
  }
}
