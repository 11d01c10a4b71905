package org.knowcap.generators.bits;

/**
 * One part of the knowledge of a source: a number of pieces of equal worth. A model whose mean loss on a piece
 * is p nats stores count * (uniformBits - p / ln 2) bits of the part (paper, definition 4.3), so that uniform
 * guessing stores nothing.
 *
 * @param kind        the loss is summed over the tokens of spans of this kind
 * @param perItem     pieces in one item: p is the sum over an item's spans divided by this
 * @param count       the number of pieces
 * @param uniformBits cost of a piece under uniform guessing
 * @param maxBits     bits that a piece holds, by the paper's approximation
 * @param entropyBits exact bits of the whole part: log2 of the number of ways it can turn out
 */
public record KnowledgePart(KnowledgeKind kind, int perItem, double count, double uniformBits, double maxBits,
    double entropyBits) {

  /** "names", "values" or "diversity". */
  public String name() {
    return kind.partName();
  }

  /** Bits of the whole part by the paper's approximation; R^max is the sum of these. */
  public double totalBits() {
    return count * maxBits;
  }
}
