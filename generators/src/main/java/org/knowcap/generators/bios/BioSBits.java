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

/** The knowledge of bioS(N), counted from N and the pool sizes alone (paper, definition 4.3). */
public final class BioSBits {
  private static final double GENDERS = 2;

  private BioSBits() {}

  /**
   * Two parts, each with one piece of knowledge a person: "names" holds log2(N0 / N) bits, as N of the N0
   * possible names are taken, and costs log2 N0 to a uniform guess; "values" holds log2 S0 bits, S0 being
   * the number of possible (gender, birth date, birth city, university, major, employer).
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

  /** What a uniform guess of one person's values of some attributes costs, in bits. */
  static double uniform(List<Attribute> attributes, PoolSizes sizes) {
    Map<Attribute, Double> bits = Map.of(Attribute.GENDER, log2(GENDERS), Attribute.BIRTH_DATE,
        log2(sizes.months()) + log2(sizes.days()) + log2(sizes.years()), Attribute.BIRTH_CITY,
        log2(sizes.birthCities()), Attribute.UNIVERSITY, log2(sizes.universities()), Attribute.MAJOR,
        log2(sizes.majors()), Attribute.EMPLOYER, log2(sizes.employers()));
    return attributes.stream().mapToDouble(bits::get).sum();
  }
}
