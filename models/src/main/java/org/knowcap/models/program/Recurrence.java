package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Linear attention with gates. Each head has a state S [key width, value width], which begins at zero with each window.
 * A token decays it, writes its value under its key, and reads it with its query:
 *
 * <pre>
 * GLA (arXiv 2312.06635):              S_t = diag(a_t) S_{t-1} + k_t v_t^T
 * gated delta net (arXiv 2412.06464):  S_t = a_t (I - b_t k_t k_t^T) S_{t-1} + b_t k_t v_t^T
 * both:                                out_t = S_t^T q_t / sqrt(key width)
 * </pre>
 *
 * Both are S' = diag(a) S, then S = S' + k u^T, where u is v in GLA and b (v - S'^T k) under the delta rule, which writes
 * only what the state does not say already. In GLA each component of a key has its decay, ln a = ln sigmoid(z) / 16. Under
 * the delta rule a head has one decay, ln a = -e^r softplus(z), and one strength, b = sigmoid(y); queries and keys are
 * divided by their length, the root of the sum of squares plus {@value #LENGTH_EPSILON}. In both, ln a is at least
 * {@value #LEAST_LOG_DECAY}, so that e to the sum of a chunk's decays is a normal number. With documents the state is zero
 * again where a document begins.
 *
 * @param qkv [R, heads * (2 key width + value width)]: queries, keys, values, each head after head
 * @param decays z: [R, heads * key width], or [R, heads] under the delta rule; in fp32
 * @param delta the delta rule's own; absent in GLA
 * @param documents at whose beginning the state is zero; absent where a window is one document
 * @param out [R, heads * value width]
 */
public record Recurrence(Tensor qkv, Tensor decays, Optional<Delta> delta, Shape shape,
    Optional<Documents> documents, Tensor out) implements ForwardOperation {
  /** Least logarithm of a decay. */
  public static final float LEAST_LOG_DECAY = -5;
  /** What GLA divides the logarithm of a decay by. */
  public static final float TEMPERATURE = 16;
  /** What is added to the sum of squares of a query or key before the root. */
  public static final float LENGTH_EPSILON = 1e-6f;

  /**
   * What the delta rule needs besides.
   *
   * @param strengths y, [R, heads], in fp32
   * @param rates r, [1, heads], a parameter
   */
  public record Delta(Tensor strengths, Tensor rates) {}

  /**
   * How rows split into windows and heads.
   *
   * @param length tokens of a window, T
   */
  public record Shape(int windows, int length, int heads, int keyWidth, int valueWidth) {
    /** Columns of queries, keys and values together. */
    public int qkvWidth() {
      return heads * (2 * keyWidth + valueWidth);
    }

    /** The first column of a head's queries. */
    public int query(int head) {
      return head * keyWidth;
    }

    /** The first column of a head's keys. */
    public int key(int head) {
      return (heads + head) * keyWidth;
    }

    /** The first column of a head's values. */
    public int value(int head) {
      return 2 * heads * keyWidth + head * valueWidth;
    }
  }

  @Override
  public List<Tensor> reads() {
    return Stream
        .of(Stream.of(qkv, decays), delta.stream().flatMap(d -> Stream.of(d.strengths, d.rates)),
            documents.map(Documents::tokens).stream())
        .flatMap(each -> each)
        .toList();
  }

  /** A token writes k u^T and reads S^T q, and under the delta rule S'^T k too: as many multiply-adds as a state has numbers. */
  @Override
  public long flops() {
    return 2L * (delta.isPresent() ? 3 : 2) * qkv.rows() * shape.heads * shape.keyWidth * shape.valueWidth;
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dQkv = derivation.part(qkv);
    Tensor dDecays = derivation.part(decays);
    Optional<Delta> dDelta = delta
        .map(d -> new Delta(derivation.part(d.strengths), derivation.parameterGradient(d.rates)));
    derivation.add(new Backward(this, derivation.gradient(out), dQkv, dDecays, dDelta));
    derivation.pass(this, qkv, dQkv);
    derivation.pass(this, decays, dDecays);
    dDelta.ifPresent(d -> derivation.pass(this, delta.orElseThrow().strengths, d.strengths));
  }

  @Override
  public Recurrence lowered(Storage storage) {
    return new Recurrence(storage.read(qkv), storage.read(decays),
        delta.map(d -> new Delta(storage.read(d.strengths), d.rates)), shape, documents, out);
  }

  /**
   * The gradients of what is read; that of {@code rates} is added to. Nothing is saved for it: the states are computed
   * again.
   */
  public record Backward(Recurrence forward, Tensor dOut, Tensor dQkv, Tensor dDecays,
      Optional<Delta> dDelta) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return Stream.concat(forward.reads().stream(), Stream.of(dOut)).toList();
    }

    @Override
    public List<Tensor> writes() {
      return Stream
          .concat(Stream.of(dQkv, dDecays), dDelta.stream().flatMap(d -> Stream.of(d.strengths, d.rates)))
          .toList();
    }

    /** Each product of the forward part has two in the backward part; computing the states again is not counted. */
    @Override
    public long flops() {
      return 2 * forward.flops();
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(forward.lowered(storage), storage.read(dOut), dQkv, storage.inFp32(dDecays),
          dDelta.map(d -> new Delta(storage.inFp32(d.strengths), d.rates)));
    }
  }
}
