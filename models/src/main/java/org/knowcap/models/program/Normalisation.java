package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The norm of each row. With a bias it is LayerNorm, out = (x - mean) / sqrt(variance + epsilon) * gain + bias.
 * Without a bias it is RMSNorm, out = x / sqrt(mean of x^2 + epsilon) * gain. With {@code heads} it is the RMSNorm
 * of every head of queries and of keys by itself (QK-norm), and values pass through.
 *
 * @param x [R, d], or queries, keys and values, each head after head
 * @param gain [1, d]; of heads [1, 2 * width], the gain of queries and then that of keys
 * @param bias [1, d]; absent for heads
 * @param out as x
 * @param statistics saved, [R, 2]: the mean (0 in RMSNorm) and the reciprocal of the standard deviation, rstd; with
 *     heads one such pair for each head of queries and of keys
 */
public record Normalisation(Tensor x, Tensor gain, Optional<Tensor> bias, double epsilon,
    Optional<Heads> heads, Tensor out, Tensor statistics) implements ForwardOperation {
  /** The norm of whole rows. */
  public Normalisation(Tensor x, Tensor gain, Optional<Tensor> bias, double epsilon, Tensor out) {
    this(x, gain, bias, epsilon, Optional.empty(), out, out.saved("statistics", 2));
  }

  /** The norm of heads. */
  public Normalisation(Tensor x, Tensor gain, double epsilon, Heads heads, Tensor out) {
    this(x, gain, Optional.empty(), epsilon, Optional.of(heads), out,
        out.saved("statistics", 2 * (heads.count() + heads.keyCount())));
  }

  /** Components that are normed together. */
  public int width() {
    return heads.map(Heads::width).orElse(x.columns());
  }

  @Override
  public List<Tensor> reads() {
    return Stream.concat(Stream.of(x, gain), bias.stream()).toList();
  }

  @Override
  public List<Tensor> saved() {
    return List.of(statistics);
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dX = derivation.part(x);
    derivation.add(new Backward(this, derivation.gradient(out), dX, derivation.parameterGradient(gain),
        bias.map(derivation::parameterGradient)));
    derivation.pass(this, x, dX);
  }

  @Override
  public Normalisation lowered(Storage storage) {
    return new Normalisation(storage.read(x), gain, bias, epsilon, heads, out, storage.inFp32(statistics));
  }

  /** Gradients of x [R, d], gain [1, d] and bias [1, d]. */
  public record Backward(Normalisation forward, Tensor dOut, Tensor dX, Tensor dGain,
      Optional<Tensor> dBias) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.x, forward.gain, forward.statistics, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return Stream.concat(Stream.of(dX, dGain), dBias.stream()).toList();
    }

    @Override
    public Backward lowered(Storage storage) {
      Normalisation f = forward;
      return new Backward(new Normalisation(storage.read(f.x), f.gain, f.bias, f.epsilon, f.heads, f.out,
          storage.read(f.statistics)), storage.read(dOut), storage.inFp32(dX), dGain, dBias);
    }

    /** With the gradient of x elsewhere. */
    public Backward to(Tensor other) {
      return new Backward(forward, dOut, other, dGain, dBias);
    }
  }
}
