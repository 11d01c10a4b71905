package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * out = x * weight + bias, or x * weight^T + bias.
 *
 * @param x [R, n]
 * @param weight [n, m], or [m, n] where {@code transposed} (the head tied to the embedding)
 * @param bias [1, m]
 * @param exact whether it stays in fp32 even in a bf16 program; a router needs this, because small differences of
 *        its logits decide, and decays, because the products of many of them do
 * @param out [R, m]
 */
public record Linear(Tensor x, Tensor weight, boolean transposed, Optional<Tensor> bias, boolean exact,
    Tensor out) implements ForwardOperation {
  public Linear(Tensor x, Tensor weight, boolean transposed, Optional<Tensor> bias, Tensor out) {
    this(x, weight, transposed, bias, false, out);
  }

  /** The logits of a router. */
  public static Linear router(Tensor x, Tensor weight, Tensor out) {
    return exact(x, weight, Optional.empty(), out);
  }

  /** A matmul that stays in fp32. */
  public static Linear exact(Tensor x, Tensor weight, Optional<Tensor> bias, Tensor out) {
    return new Linear(x, weight, false, bias, true, out);
  }

  @Override
  public List<Tensor> reads() {
    return Stream.concat(Stream.of(x, weight), bias.stream()).toList();
  }

  @Override
  public long flops() {
    return 2 * weight.size() * x.rows();
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dX = derivation.part(x);
    derivation.add(new Backward(this, derivation.gradient(out), dX,
        Optional.of(weight).filter(derivation::trains).map(derivation::parameterGradient),
        bias.filter(derivation::trains).map(derivation::parameterGradient)));
    derivation.pass(this, x, dX);
  }

  @Override
  public Linear lowered(Storage storage) {
    return exact ? of(storage.fp32(x), storage.inFp32(out)) : of(storage.operand(x), out);
  }

  private Linear of(Tensor otherX, Tensor otherOut) {
    return new Linear(otherX, weight, transposed, bias, exact, otherOut);
  }

  /**
   * dX = dOut * weight^T [R, n]; dWeight += x^T * dOut; dBias += column sums of dOut. The last two are absent where the
   * parameter is frozen.
   */
  public record Backward(Linear forward, Tensor dOut, Tensor dX, Optional<Tensor> dWeight,
      Optional<Tensor> dBias) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return dWeight.isPresent() ? List.of(forward.x, forward.weight, dOut) : List.of(forward.weight, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return Stream.of(Stream.of(dX), dWeight.stream(), dBias.stream()).flatMap(each -> each).toList();
    }

    @Override
    public long flops() {
      return (dWeight.isPresent() ? 2 : 1) * forward.flops();
    }

    @Override
    public Backward lowered(Storage storage) {
      return forward.exact
          ? new Backward(forward.of(storage.fp32(forward.x), forward.out), storage.read(dOut),
              storage.inFp32(dX), dWeight, dBias)
          : lowered(storage, storage.operand(dOut));
    }

    /** This operation, where the gradient of the result is the tensor {@code stored}. */
    public Backward lowered(Storage storage, Tensor stored) {
      Linear read = dWeight.isPresent() ? forward.of(storage.operand(forward.x), forward.out) : forward;
      return new Backward(read, stored, dX, dWeight, dBias);
    }
  }
}
