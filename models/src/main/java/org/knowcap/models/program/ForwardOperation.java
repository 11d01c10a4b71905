package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.knowcap.models.architecture.Activation;
import org.knowcap.models.architecture.Experts;
import org.knowcap.models.architecture.Positions;

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
   * out = x plus the vector of each token's place in its window: out[r] = x[r] + table[r mod T].
   *
   * @param x [R, d]
   * @param table [places, d], at least T of them; the others do nothing
   * @param length T
   * @param out [R, d]
   */
  record LearnedPositions(Tensor x, Tensor table, int length, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(x, table);
    }
  }

  /**
   * The norm of each row. With a bias LayerNorm, out = (x - mean) / sqrt(variance + epsilon) * gain + bias; without one
   * RMSNorm, out = x / sqrt(mean of x^2 + epsilon) * gain. With {@code heads} it is the RMSNorm of every head of queries and
   * of keys by itself (QK-norm), and values pass through.
   *
   * @param x [R, d], or queries, keys and values, each head after head
   * @param gain [1, d]; of heads [1, 2 * width], the gain of queries and then that of keys
   * @param bias [1, d]; heads have none
   * @param out as x
   */
  record Norm(Tensor x, Tensor gain, Optional<Tensor> bias, double epsilon, Optional<Heads> heads,
      Tensor out) implements ForwardOperation {
    /** The norm of whole rows. */
    public Norm(Tensor x, Tensor gain, Optional<Tensor> bias, double epsilon, Tensor out) {
      this(x, gain, bias, epsilon, Optional.empty(), out);
    }

    /** Components that are normed together. */
    public int width() {
      return heads.map(Heads::width).orElse(x.columns());
    }

    @Override
    public List<Tensor> reads() {
      return Stream.concat(Stream.of(x, gain), bias.stream()).toList();
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
  record Linear(Tensor x, Tensor weight, boolean transposed, Optional<Tensor> bias,
      Tensor out) implements ForwardOperation {
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
   * out = activation(x).
   *
   * @param x [R, n]
   * @param out [R, n]
   */
  record Activate(Activation activation, Tensor x, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }
  }

  /**
   * out = activation(left half of x) * right half of x.
   *
   * @param x [R, 2n]
   * @param out [R, n]
   */
  record Gate(Activation activation, Tensor x, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }
  }

  /**
   * Rotates queries and keys by where they stand, and passes values through. In each head, component i of the first
   * {@code rotated} turns with component i + rotated/2 by the angle place * base^(-2i/rotated).
   *
   * @param x [R, (count + 2 keyCount) * width]: queries, keys, values, each head after head
   * @param places where the tokens of a window stand
   * @param out as x
   */
  record Rotary(Tensor x, Heads heads, int rotated, double base, Places places,
      Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(x);
    }
  }

  /**
   * Where tokens stand when a rotation turns them: the query of token t of a window at {@code offset + pace * t}, its key at
   * {@code pace * t}. So a key t tokens before its query seems offset + pace * t before it.
   */
  record Places(double offset, double pace) {
    /** Where they are. */
    public static final Places TRUE = new Places(0, 1);

    public double query(int token) {
      return offset + pace * token;
    }

    public double key(int token) {
      return pace * token;
    }
  }

  /**
   * Causal attention within each window: out = softmax(scores) v, head by head. Where there are fewer heads of keys, each
   * serves as many consecutive heads of queries.
   *
   * @param qkv [R, (count + 2 keyCount) * width]: queries, keys, values, each head after head
   * @param scores of pairs of queries and keys
   * @param documents beyond whose beginning a query does not see; absent where windows are one
   * @param out [R, d]
   */
  record Attention(Tensor qkv, Heads heads, Scores scores, Optional<Documents> documents,
      Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return Stream.of(Stream.of(qkv), distant().stream(), documents.map(Documents::tokens).stream())
          .flatMap(each -> each)
          .toList();
    }

    /** The queries and keys of pairs far apart, if they have their own. */
    public Optional<Tensor> distant() {
      return scores instanceof Scores.Distant distant ? Optional.of(distant.qkv()) : Optional.empty();
    }

    /** Two products over those pairs of every T x T square that see each other. */
    @Override
    public long flops() {
      return 2 * 2 * heads.pairs() * heads.width();
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
   * The router: how much of each expert every token gets. With p = softmax(logits[r]), a token asks for the topK experts
   * of largest p (of equal ones the first), and has a place with each that is not full yet: tokens come in the order of
   * their window, and of one token's experts the likeliest first. So a later token never takes an earlier one's place.
   * Where it has a place, out[r, e] = p[e] if topK is 1, otherwise p[e] over the sum of the p it asked for; elsewhere it is
   * 0. Where experts choose, each takes the {@code places} tokens of the window of largest p[e] (of equal ones the first),
   * and out[r, e] = p[e].
   *
   * <p>Its gradient holds that of two losses beside the tokens': {@code balance} times the mean over windows of
   * E * sum over e of f[e] P[e], where f is the share of the window's tokens that ask for e first, and P the mean of p
   * (GShard, arXiv 2006.16668, and Switch, arXiv 2101.03961); and {@code zLoss} times the mean over tokens of
   * ln(sum of exp(logits))^2 (ST-MoE, arXiv 2202.08906).
   *
   * @param logits [R, E]
   * @param out [R, E]
   */
  record Route(Tensor logits, Mixture mixture, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(logits);
    }
  }

  /**
   * Seats tokens with their experts: out has the row of x of each (token, expert) pair whose gate is not 0, all of the
   * first expert's before the second's, each expert's in the order of tokens. Rows that are left over are zero.
   *
   * @param x [R, d]
   * @param gates [R, E]
   * @param out [S, d], S = {@link Mixture#seats}
   */
  record Dispatch(Tensor x, Tensor gates, Mixture mixture, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(x, gates);
    }
  }

  /**
   * out = x * weight + bias, with the weight and the bias of the expert at which each row sits. Rows that are left over are
   * zero.
   *
   * @param x [S, n], seated as by {@link Dispatch}
   * @param gates [R, E]
   * @param weight [E * n, m], expert under expert
   * @param bias [E, m]
   * @param out [S, m]
   */
  record ExpertLinear(Tensor x, Tensor gates, Mixture mixture, Tensor weight, Optional<Tensor> bias,
      Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return Stream.concat(Stream.of(x, gates, weight), bias.stream()).toList();
    }

    /** As if every seat were taken. */
    @Override
    public long flops() {
      return 2 * x.size() * out.columns();
    }
  }

  /**
   * out[r] = sum over experts e of gates[r, e] * (row of x where token r sits at e).
   *
   * @param x [S, d], seated as by {@link Dispatch}
   * @param gates [R, E]
   * @param out [R, d]
   */
  record Combine(Tensor x, Tensor gates, Mixture mixture, Tensor out) implements ForwardOperation {
    @Override
    public List<Tensor> reads() {
      return List.of(x, gates);
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

  /** What a query and a key come to before the softmax. */
  sealed interface Scores {
    /** q k^T / sqrt(head width). */
    record Product() implements Scores {}

    /** The same less slope * t, for a key t tokens before its query: {@link Positions.Alibi}. */
    record Sloping() implements Scores {
      /** Of a head of queries. */
      public double slope(Heads heads, int head) {
        return Positions.Alibi.slope(head, heads.count());
      }
    }

    /**
     * q k^T / sqrt(head width), where q and k come from another tensor for pairs that are {@code from} tokens or more
     * apart.
     *
     * @param qkv as that of the attention; its values are not used
     * @param from at least 1
     */
    record Distant(Tensor qkv, int from) implements Scores {}
  }

  /**
   * How the tokens of windows split into documents: each begins with a separator, but for the one a window begins in.
   *
   * @param tokens ids, [R, 1]
   * @param separator the id
   */
  record Documents(Tensor tokens, int separator) {}

  /**
   * How the rows of a tensor split into attention heads.
   *
   * @param windows windows in the batch
   * @param length tokens of a window, T
   * @param count heads of queries
   * @param keyCount heads of keys, and of values: a divisor of count
   * @param width components of a head
   * @param reach how many tokens a query sees, itself included; T for all before it
   */
  record Heads(int windows, int length, int count, int keyCount, int width, int reach) {
    /** (query, key) pairs that see each other, over all windows and heads of queries. */
    public long pairs() {
      long all = (long) length * (length + 1) / 2;
      long unseen = (long) (length - reach) * (length - reach + 1) / 2;
      return windows * count * (all - unseen);
    }

    /** Columns of queries and keys together, which positions turn. */
    public int turnedWidth() {
      return (count + keyCount) * width;
    }

    /** Columns of queries, keys and values together. */
    public int qkvWidth() {
      return (count + 2 * keyCount) * width;
    }

    /** Heads of queries that share a head of keys. */
    public int group() {
      return count / keyCount;
    }

    /** The first key that a query sees. */
    public int firstKey(int query) {
      return Math.max(0, query - reach + 1);
    }
  }

  /**
   * How the tokens of each window are shared out among experts.
   *
   * @param windows windows in the batch
   * @param length tokens of a window, T
   * @param experts E
   * @param topK experts a token asks for
   * @param places of an expert in a window, at most T
   * @param balance weight of the load-balancing loss
   * @param zLoss weight of the z-loss
   */
  record Mixture(int windows, int length, int experts, Experts.Choice choice, int topK, int places,
      double balance, double zLoss) {
    /** S, the most (token, expert) pairs there can be in a batch. */
    public int seats() {
      return windows * switch (choice) {
        case TOKENS -> Math.min(topK * length, experts * places);
        case EXPERTS -> experts * places;
      };
    }

    /** The most experts that one token can sit at. */
    public int seatsOfToken() {
      return switch (choice) {
        case TOKENS -> topK;
        case EXPERTS -> experts;
      };
    }
  }
}
