package org.knowcap.generators.bios;

import static org.knowcap.generators.bits.Logarithms.log2;

import java.util.List;
import java.util.Map;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.people.NameBits;
import org.knowcap.generators.pools.PoolSizes;

/** Counts the bits of bioS(N) from N and the pool sizes alone (paper, definition 4.3). */
public final class BioSBits {
  private static final double GENDERS = 2;

  private BioSBits() {}

  /**
   * There are two parts, each with one piece for each person. "names" are counted by {@link NameBits}. "values"
   * hold log2 S0 bits, where S0 is the number of possible combinations of gender, birth date, birth city,
   * university, major and employer.
   *
   * @param people N, 1..N0
   * @throws IllegalArgumentException if N is out of range
   */
  public static BitContent of(long people, PoolSizes sizes) {
    double values = uniform(List.of(Attribute.GENDER, Attribute.BIRTH_DATE, Attribute.BIRTH_CITY,
        Attribute.UNIVERSITY, Attribute.MAJOR, Attribute.EMPLOYER), sizes);
    return new BitContent(List.of(NameBits.of(people, sizes),
        new KnowledgePart(KnowledgeKind.VALUE, 1, people, values, values, people * values)));
  }

  /** The cost in bits of a uniform guess of one person's values of some attributes. */
  static double uniform(List<Attribute> attributes, PoolSizes sizes) {
    Map<Attribute, Double> bits = Map.of(Attribute.GENDER, log2(GENDERS), Attribute.BIRTH_DATE,
        log2(sizes.months()) + log2(sizes.days()) + log2(sizes.years()), Attribute.BIRTH_CITY,
        log2(sizes.birthCities()), Attribute.UNIVERSITY, log2(sizes.universities()), Attribute.MAJOR,
        log2(sizes.majors()), Attribute.EMPLOYER, log2(sizes.employers()));
    return attributes.stream().mapToDouble(bits::get).sum();
  }
}
