package org.knowcap.generators.biod;
import static org.knowcap.generators.bits.Logarithms.log2;

import java.util.List;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.bits.Logarithms;
import org.knowcap.generators.people.NameBits;
import org.knowcap.generators.pools.PoolSizes;

/** The knowledge of bioD, counted from its parameters alone (paper, proposition 2.3 and definition 4.3). */
public final class BioDBits {
  private BioDBits() {}

  /**
   * Three parts: "names", as in bioS; "values", N K of them, each of C log2 D bits; and "diversity", which D
   * of the T^L strings each of the K attributes has: K D pieces of log2(T^L / D) bits. All is counted in
   * logarithms, as T^L may be beyond any number type.
   *
   * @param people N, 1..N0
   * @param sizes  of which those of the names count
   * @throws IllegalArgumentException if N is out of range
   */
  public static BitContent of(long people, BioDShape shape, PoolSizes sizes) {
    int attributes = shape.attributes();
    int diversity = shape.diversity();
    double values = (double) people * attributes;
    double value = shape.chunks() * log2(diversity);
    // Never below 0: rounding would have it there where D = T^L.
    double string = Math.max(0, shape.stringBits() - log2(diversity));
    return new BitContent(List.of(NameBits.of(people, sizes),
        new KnowledgePart(KnowledgeKind.VALUE, attributes, values, value, value, values * value),
        new KnowledgePart(KnowledgeKind.FIRST_CHUNK, attributes, (double) attributes * diversity, string,
            string, attributes * Logarithms.log2Choose(shape.stringBits(), diversity))));
  }
}
