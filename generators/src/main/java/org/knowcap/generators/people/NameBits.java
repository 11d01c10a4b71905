package org.knowcap.generators.people;

import static org.knowcap.generators.bits.Logarithms.log2;

import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.bits.Logarithms;
import org.knowcap.generators.pools.PoolSizes;

/** Counts the bits of names; all sources that draw names from pools count them like this. */
public final class NameBits {
  private NameBits() {}

  /**
   * The part "names" has one piece for each person. N of the N0 possible names occur, which is worth
   * log2(N0 / N) bits a person; a uniform guess of a name costs log2 N0 bits.
   *
   * @param people N, 1..N0
   * @param sizes  only those of the names are used
   * @throws IllegalArgumentException if N is out of range
   */
  public static KnowledgePart of(long people, PoolSizes sizes) {
    Names.check(0, people, sizes);
    double names = log2(sizes.names());
    return new KnowledgePart(KnowledgeKind.NAME, 1, people, names, names - log2(people),
        Logarithms.log2Choose(names, people));
  }
}
