package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.knowcap.models.architecture.Positions;

/**
 * Causal attention within each window: out = softmax(scores) v, head by head. Where there are fewer heads of keys, each
 * serves several consecutive heads of queries.
 *
 * @param qkv [R, (count + 2 keyCount) * width]: queries, keys, values, each head after head
 * @param scores of pairs of queries and keys
 * @param documents beyond whose beginning a query does not see; absent where a window is one document
 * @param out [R, d]
 * @param logSumExp saved, [R, count]: the logarithm of the sum of exponentials of each query's scores
 */
public record Attention(Tensor qkv, Heads heads, Scores scores, Optional<Documents> documents, Tensor out,
    Tensor logSumExp) implements ForwardOperation {
  public Attention(Tensor qkv, Heads heads, Scores scores, Optional<Documents> documents, Tensor out) {
    this(qkv, heads, scores, documents, out, out.saved("logSumExp", heads.count()));
  }

  /** The score of a query and a key, before the softmax. */
  public sealed interface Scores {
    /** q k^T / sqrt(head width). */
    record DotProduct() implements Scores {}

    /** The dot product less slope * t, for a key t tokens before its query: {@link Positions.Alibi}. */
    record Alibi() implements Scores {
      /** Of a head of queries. */
      public double slope(Heads heads, int head) {
        return Positions.Alibi.slope(head, heads.count());
      }
    }

    /**
     * ReRoPE: q k^T / sqrt(head width), where q and k come from another tensor for pairs that are {@code window} tokens
     * or more apart.
     *
     * @param qkv as that of the attention; its values are not used
     * @param window at least 1
     */
    record Rerope(Tensor qkv, int window) implements Scores {}
  }

  @Override
  public List<Tensor> reads() {
    return Stream.of(Stream.of(qkv), distant().stream(), documents.map(Documents::tokens).stream())
        .flatMap(each -> each)
        .toList();
  }

  @Override
  public List<Tensor> saved() {
    return List.of(logSumExp);
  }

  /** ReRoPE's queries and keys of distant pairs. */
  public Optional<Tensor> distant() {
    return scores instanceof Scores.Rerope rerope ? Optional.of(rerope.qkv()) : Optional.empty();
  }

  /** Two matmuls over those pairs of every T x T square that see each other. */
  @Override
  public long flops() {
    return 2 * 2 * heads.pairs() * heads.width();
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dQkv = derivation.part(qkv);
    Optional<Tensor> dDistant = distant().map(derivation::part);
    derivation.add(new Backward(this, derivation.gradient(out), dQkv, dDistant));
    derivation.pass(this, qkv, dQkv);
    dDistant.ifPresent(gradient -> derivation.pass(this, distant().orElseThrow(), gradient));
  }

  @Override
  public Attention lowered(Storage storage) {
    return lowered(storage, out, storage.inFp32(logSumExp));
  }

  private Attention lowered(Storage storage, Tensor storedOut, Tensor storedLogSumExp) {
    Tensor storedQkv = storage.operand(qkv);
    Scores storedScores = scores instanceof Scores.Rerope rerope
        ? new Scores.Rerope(storage.operand(rerope.qkv()), rerope.window())
        : scores;
    return new Attention(storedQkv, heads, storedScores, documents, storedOut, storedLogSumExp);
  }

  /** dQkv, in the shape of qkv, from dOut [R, d]; and dDistant where distant pairs have their own queries and keys. */
  public record Backward(Attention forward, Tensor dOut, Tensor dQkv,
      Optional<Tensor> dDistant) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return Stream.concat(forward.reads().stream(), Stream.of(forward.out, forward.logSumExp, dOut))
          .toList();
    }

    @Override
    public List<Tensor> writes() {
      return Stream.concat(Stream.of(dQkv), dDistant.stream()).toList();
    }

    /** Four matmuls against the forward's two. */
    @Override
    public long flops() {
      return 2 * forward.flops();
    }

    @Override
    public Backward lowered(Storage storage) {
      Attention stored = forward.lowered(storage, storage.read(forward.out), storage.read(forward.logSumExp));
      return new Backward(stored, storage.operand(dOut), dQkv, dDistant);
    }
  }
}
