package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * out = x * weight + bias, with the weight and the bias of the expert whose slot each row is in. Rows that are left
 * over are zero.
 *
 * @param x [S, n], dispatched as by {@link Dispatch}
 * @param weights routing weights, [R, E]
 * @param weight [E * n, m], expert under expert
 * @param bias [E, m]
 * @param out [S, m]
 */
public record ExpertLinear(Tensor x, Tensor weights, ExpertRouting routing, Tensor weight,
    Optional<Tensor> bias, Tensor out) implements ForwardOperation {
  @Override
  public List<Tensor> reads() {
    return Stream.concat(Stream.of(x, weights, weight), bias.stream()).toList();
  }

  /** Counts every slot, whether a token has it or not. */
  @Override
  public long flops() {
    return 2 * x.size() * out.columns();
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dX = derivation.part(x);
    derivation.add(new Backward(this, derivation.gradient(out), dX, derivation.parameterGradient(weight),
        bias.map(derivation::parameterGradient)));
    derivation.pass(this, x, dX);
  }

  @Override
  public ExpertLinear lowered(Storage storage) {
    return new ExpertLinear(storage.operand(x), weights, routing, weight, bias, out);
  }

  /**
   * Expert by expert, with the rows in its slots: dX = dOut * weight^T [S, n]; dWeight += x^T * dOut; dBias += column
   * sums of dOut.
   */
  public record Backward(ExpertLinear forward, Tensor dOut, Tensor dX, Tensor dWeight,
      Optional<Tensor> dBias) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x, forward.weights, forward.weight, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return Stream.concat(Stream.of(dX, dWeight), dBias.stream()).toList();
    }

    @Override
    public long flops() {
      return 2 * forward.flops();
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(forward.lowered(storage), storage.operand(dOut), dX, dWeight, dBias);
    }
  }
}
