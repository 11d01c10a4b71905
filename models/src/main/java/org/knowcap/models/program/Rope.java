package org.knowcap.models.program;

import java.util.List;

/**
 * RoPE: rotates queries and keys by their positions, and passes values through. In each head, component i of the first
 * {@code rotated} and component i + rotated/2 rotate by the angle position * base^(-2i/rotated).
 *
 * @param x [R, (count + 2 keyCount) * width]: queries, keys, values, each head after head
 * @param positions of the tokens of a window
 * @param out as x
 */
public record Rope(Tensor x, Heads heads, int rotated, double base, Positions positions,
    Tensor out) implements ForwardOperation {
  /**
   * Positions for RoPE: the query of token t of a window is at {@code queryOffset + scale * t}, its key at {@code
   * scale * t}. So a key that is t tokens before its query is scored as if it were queryOffset + scale * t tokens
   * before it.
   */
  public record Positions(double queryOffset, double scale) {
    /** Each token at its own position. */
    public static final Positions PLAIN = new Positions(0, 1);

    public double query(int token) {
      return queryOffset + scale * token;
    }

    public double key(int token) {
      return scale * token;
    }
  }

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
  public Rope lowered(Storage storage) {
    Tensor stored = storage.inPlace(x, out);
    return new Rope(stored, heads, rotated, base, positions, stored);
  }

  /** dX = dOut rotated back by the same angles, in the shape of x. */
  public record Backward(Rope forward, Tensor dOut, Tensor dX) implements ForwardOperation.Gradient {
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
      Tensor stored = storage.inPlace(dOut, dX);
      return new Backward(forward, stored, stored);
    }
  }
}
