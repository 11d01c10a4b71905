package org.knowcap.models.program;

import java.util.List;

/**
 * out[r] = table[tokens[r]].
 *
 * @param tokens [R, 1]
 * @param table [V, d]
 * @param out [R, d]
 */
public record Embedding(Tensor tokens, Tensor table, Tensor out) implements ForwardOperation {
  @Override
  public List<Tensor> reads() {
    return List.of(tokens, table);
  }

  @Override
  public void differentiate(Differentiation derivation) {
    derivation.add(new Backward(this, derivation.gradient(out), derivation.parameterGradient(table)));
  }

  @Override
  public Embedding lowered(Storage storage) {
    return new Embedding(tokens, table, storage.inFp32(out));
  }

  /** Gradient table[tokens[r]] += dOut[r]. */
  public record Backward(Embedding forward, Tensor dOut, Tensor dTable) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.tokens, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dTable);
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(forward, storage.read(dOut), dTable);
    }
  }
}
