package org.knowcap.generators.biod;

import static org.knowcap.generators.bits.Logarithms.log2;

import java.util.List;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.bits.Logarithms;
import org.knowcap.generators.people.NameBits;
import org.knowcap.generators.pools.PoolSizes;

/** Counts the bits of bioD from its parameters alone (paper, proposition 2.3 and definition 4.3). */
public final class BioDBits {
  private BioDBits() {}

  /**
   * There are three parts. "names" are counted as in bioS. "values" are N K values of C log2 D bits each.
   * "diversity" is the choice, for each of the K attributes, of D of the T^L possible strings: K D pieces of
   * log2(T^L / D) bits each. The counts are logarithms, because T^L may be too large for any number type.
   *
   * @param people N, 1..N0
   * @param sizes  only those of the names are used
   * @throws IllegalArgumentException if N is out of range
   */
  public static BitContent of(long people, BioDShape shape, PoolSizes sizes) {
    int attributes = shape.attributes();
    int diversity = shape.diversity();
    double values = (double) people * attributes;
    double value = shape.chunks() * log2(diversity);
    // Never below 0: rounding could make it negative where D = T^L.
    double string = Math.max(0, shape.stringBits() - log2(diversity));
    return new BitContent(List.of(NameBits.of(people, sizes),
        new KnowledgePart(KnowledgeKind.VALUE, attributes, values, value, value, values * value),
        new KnowledgePart(KnowledgeKind.FIRST_CHUNK, attributes, (double) attributes * diversity, string,
            string, attributes * Logarithms.log2Choose(shape.stringBits(), diversity))));
  }
}
