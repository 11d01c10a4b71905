package org.knowcap.models.program;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a memory of n-grams (arXiv 2601.07372) has for the last tokens: the rows that a hash finds, one of each table, side by
 * side. out[r] = table[rows of r].
 *
 * @param tokens [R, 1]
 * @param length tokens of a window, T
 * @param documents beyond whose beginning an n-gram does not look; absent where a window is one document
 * @param table all tables under each other, [tables * slots, width]
 * @param out [R, tables * width]
 */
public record NgramLookup(Tensor tokens, NgramHash hash, int length, Optional<Documents> documents,
    Tensor table, Tensor out) implements ForwardOperation {
  /** Numbers of a row of a table. */
  public int width() {
    return table.columns();
  }

  /** Finds the rows of the table. */
  public NgramHash.Finder finder() {
    return new NgramHash.Finder(hash, length,
        documents.map(each -> OptionalInt.of(each.separator())).orElse(OptionalInt.empty()));
  }

  @Override
  public List<Tensor> reads() {
    return List.of(tokens, table);
  }

  /** Of the table only the rows that are found. */
  @Override
  public long bytes() {
    return tokens.bytes() + 2 * out.bytes();
  }

  @Override
  public void differentiate(Differentiation derivation) {
    derivation.add(new Backward(this, derivation.gradient(out), derivation.parameterGradient(table)));
  }

  @Override
  public NgramLookup lowered(Storage storage) {
    return this;
  }

  /** Gradient table[rows of r] += dOut[r]. */
  public record Backward(NgramLookup forward, Tensor dOut,
      Tensor dTable) implements ForwardOperation.Gradient {
    @Override
    public List<Tensor> reads() {
      return List.of(forward.tokens, dOut);
    }

    @Override
    public List<Tensor> writes() {
      return List.of(dTable);
    }

    @Override
    public long bytes() {
      return forward.tokens.bytes() + 3 * dOut.bytes();
    }

    @Override
    public Backward lowered(Storage storage) {
      return new Backward(forward, storage.read(dOut), dTable);
    }
  }
}
