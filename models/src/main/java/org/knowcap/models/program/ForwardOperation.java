package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The operations a model is written in. Each writes one activation, its {@code out}. */
public sealed interface ForwardOperation extends Operation {
  Tensor out();

  @Override
  default List<Tensor> writes() {
    return List.of(out());
  }

  @Override
  default long flops() {
    return 0;
  }

  /**
   * out[r] = table[tokens[r]].
   *
   * @param tokens [R, 1]
   * @param table [V, d]
   * @param out [R, d]
   */
  record Embedding(Tensor tokens, Tensor table, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(tokens, table);
    }
  }

  /**
   * LayerNorm over each row: out = (x - mean) / sqrt(variance + epsilon) * gain + bias.
   *
   * @param x [R, d]
   * @param gain [1, d]
   * @param bias [1, d]
   * @param out [R, d]
   */
  record LayerNorm(Tensor x, Tensor gain, Tensor bias, double epsilon,
      Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(x, gain, bias);
    }
  }

  /**
   * out = x * weight + bias, or x * weight^T + bias.
   *
   * @param x [R, n]
   * @param weight [n, m], or [m, n] where {@code transposed} (the head tied to the embedding)
   * @param bias [1, m]
   * @param out [R, m]
   */
  record Linear(Tensor x, Tensor weight, boolean transposed, Optional<Tensor> bias, Tensor out)
      implements
        ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return Stream.concat(Stream.of(x, weight), bias.stream()).toList();
    }

    @Override
    public long flops() {
      return 2 * weight.size() * x.rows();
    }
  }

  /**
   * GELU in the tanh form that GPT-2 has: out = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))).
   *
   * @param x [R, n]
   * @param out [R, n]
   */
  record Gelu(Tensor x, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }
  }

  /**
   * Rotates queries and keys by their position in the window, and passes values through. In each head, component i of
   * the first {@code rotated} turns with component i + rotated/2 by the angle t * base^(-2i/rotated).
   *
   * @param x [R, 3d]: queries, keys, values, each head after head
   * @param out [R, 3d]
   */
  record Rotary(Tensor x, Heads heads, int rotated, double base, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }
  }

  /**
   * Causal attention within each window: out = softmax(q k^T / sqrt(head width)) v, head by head.
   *
   * @param qkv [R, 3d]: queries, keys, values, each head after head
   * @param out [R, d]
   */
  record Attention(Tensor qkv, Heads heads, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(qkv);
    }

    /** Two products over the causal half of every T x T square. */
    @Override
    public long flops() {
      return 2 * 2 * heads.causalPairs() * heads.width();
    }
  }

  /**
   * out = a + b, the residual stream's addition.
   *
   * @param a [R, d]
   * @param b [R, d]
   * @param out [R, d]
   */
  record Add(Tensor a, Tensor b, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(a, b);
    }
  }

  /**
   * out[r] = -ln softmax(logits[r])[targets[r]], in nats.
   *
   * @param logits [R, V]
   * @param targets [R, 1]
   * @param out [R, 1]
   */
  record CrossEntropy(Tensor logits, Tensor targets, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(logits, targets);
    }
  }

  /**
   * How the rows of a tensor split into attention heads.
   *
   * @param windows windows in the batch
   * @param length tokens of a window, T
   * @param count heads
   * @param width components of a head
   */
  record Heads(int windows, int length, int count, int width) {
    /** (query, key) pairs with key not after query, over all windows and heads. */
    public long causalPairs() {
      return (long) windows * count * length * (length + 1) / 2;
    }
  }
}
