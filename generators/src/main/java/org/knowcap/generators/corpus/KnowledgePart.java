package org.knowcap.generators.corpus;

/**
 * One part of a corpus's knowledge. A model whose loss on the part is p nats stores
 * count * (uniformBits - p / ln 2) bits of it (paper, definition 4.3), so that uniform guessing stores
 * nothing.
 *
 * @param name        "names" or "values"
 * @param count       how many pieces of knowledge: people
 * @param uniformBits cost of one under uniform guessing
 * @param maxBits     bits that one truly holds
 */
public record KnowledgePart(String name, double count, double uniformBits, double maxBits) {
  /** Bits of the whole part. */
  public double totalBits() {
    return count * maxBits;
  }
}
