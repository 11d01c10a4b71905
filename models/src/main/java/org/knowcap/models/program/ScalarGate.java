package org.knowcap.models.program;

import java.util.List;

/**
 * A value times how well its key fits a query: out[r] = sigmoid(query[r] . key[r] / sqrt(d)) value[r]. It is the gate of a
 * memory of n-grams (arXiv 2601.07372).
 *
 * @param query [R, d]
 * @param key [R, d]
 * @param value [R, d]
 * @param out [R, d]
 */
public record ScalarGate(Tensor query, Tensor key, Tensor value, Tensor out) implements ForwardOperation {
  /** What the product of a query and a key is multiplied by. */
  public double scale() {
    return 1 / Math.sqrt(query.columns());
  }

  @Override
  public List<Tensor> reads() {
    return List.of(query, key, value);
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dQuery = derivation.part(query);
    Tensor dKey = derivation.part(key);
    Tensor dValue = derivation.part(value);
    derivation.add(new Backward(this, derivation.gradient(out), dQuery, dKey, dValue));
    derivation.pass(this, query, dQuery);
    derivation.pass(this, key, dKey);
    derivation.pass(this, value, dValue);
  }

  @Override
  public ScalarGate lowered(Storage storage) {
    return new ScalarGate(storage.read(query), storage.read(key), storage.read(value), out);
  }

  /**
   * With the gate g = sigmoid(query . key / sqrt(d)) of a row and s = (dOut . value) g (1 - g) / sqrt(d): dQuery = s key,
   * dKey = s query, dValue = g dOut.
   */
  public record Backward(ScalarGate forward, Tensor dOut, Tensor dQuery, Tensor dKey,
      Tensor dValue) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.query, forward.key, forward.value, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dQuery, dKey, dValue);
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(forward.lowered(storage), storage.read(dOut), dQuery, dKey, dValue);
    }
  }
}
