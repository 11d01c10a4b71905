package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.knowcap.models.architecture.CanonLayer;

/**
 * A Canon layer (arXiv 2512.17351): a causal depthwise convolution with a residual, out[r] = x[r] + sum over lags k
 * &lt; 4 of weight[k] * x[r - k], component by component. Tokens before the window, or before the token's document,
 * count as zero.
 *
 * @param x [R, n]
 * @param weight [4, n], the token's own row first
 * @param length tokens of a window, T
 * @param documents beyond whose beginning it does not look; absent where a window is one document
 * @param out [R, n]
 */
public record Canon(Tensor x, Tensor weight, int length, Optional<Documents> documents,
    Tensor out) implements ForwardOperation {
  /** Rows of the weight: tokens that a result depends on. */
  public static final int WIDTH = CanonLayer.WIDTH;

  @Override
  public List<Tensor> reads() {
    return Stream.concat(Stream.of(x, weight), documents.map(Documents::tokens).stream()).toList();
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dX = derivation.part(x);
    derivation.add(new Backward(this, derivation.gradient(out), dX, derivation.parameterGradient(weight)));
    derivation.pass(this, x, dX);
  }

  @Override
  public Canon lowered(Storage storage) {
    return new Canon(storage.read(x), weight, length, documents, out);
  }

  /**
   * dX[r] = dOut[r] + sum over lags k of weight[k] * dOut[r + k], and dWeight[k] += sum over r of dOut[r] * x[r -
   * k], both over those pairs of tokens that the operation itself adds up.
   */
  public record Backward(Canon forward, Tensor dOut, Tensor dX,
      Tensor dWeight) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return Stream.concat(forward.reads().stream(), Stream.of(dOut)).toList();
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dX, dWeight);
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(forward.lowered(storage), storage.read(dOut), dX, dWeight);
    }
  }
}
