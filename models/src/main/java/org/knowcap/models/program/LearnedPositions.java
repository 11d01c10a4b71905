package org.knowcap.models.program;

import java.util.List;

/**
 * out = x plus the vector of each token's position in its window: out[r] = x[r] + table[r mod T].
 *
 * @param x [R, d]
 * @param table [positions, d], at least T of them; the others do nothing
 * @param length T
 * @param out [R, d]
 */
public record LearnedPositions(Tensor x, Tensor table, int length, Tensor out) implements ForwardOperation {
  @Override
  public List<Tensor> reads() {
    return List.of(x, table);
  }

  @Override
  public void differentiate(Differentiation derivation) {
    Tensor dOut = derivation.gradient(out);
    derivation.add(new Backward(this, dOut, derivation.parameterGradient(table)));
    derivation.pass(this, x, dOut);
  }

  @Override
  public LearnedPositions lowered(Storage storage) {
    Tensor stored = storage.inFp32(storage.inPlace(x, out));
    return new LearnedPositions(stored, table, length, stored);
  }

  /** Gradient table[r mod T] += dOut[r]; that of x is dOut itself. */
  public record Backward(LearnedPositions forward, Tensor dOut,
      Tensor dTable) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(dOut);
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
