package org.knowcap.generators.bits;

/**
 * One part of a corpus's knowledge: a number of pieces of equal worth. A model whose mean loss on a piece is
 * p nats stores count * (uniformBits - p / ln 2) bits of the part (paper, definition 4.3), so that uniform
 * guessing stores nothing.
 *
 * @param kind        which spans' tokens the loss is summed over
 * @param perItem     pieces in one item: p is the sum over an item's spans divided by this
 * @param count       how many pieces there are
 * @param uniformBits cost of one under uniform guessing
 * @param maxBits     bits that one truly holds, as the paper approximates it
 * @param entropyBits bits of the whole part, exactly: the logarithm of the number of ways it can turn out
 */
public record KnowledgePart(KnowledgeKind kind, int perItem, double count, double uniformBits, double maxBits,
    double entropyBits) {

  /** "names", "values" or "diversity". */
  public String name() {
    return kind.partName();
  }

  /** Bits of the whole part, by the paper's approximation: what R^max is made of. */
  public double totalBits() {
    return count * maxBits;
  }
}
