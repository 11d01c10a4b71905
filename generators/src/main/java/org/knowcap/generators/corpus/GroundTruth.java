package org.knowcap.generators.corpus;

import java.util.List;
import java.util.Map;
import org.knowcap.generators.bits.BitContent;

/** The knowledge of a source: what is true of each of its people, and how many bits that is. */
public interface GroundTruth {

  /** N, the number of people. */
  long people();

  /** The knowledge, counted in bits. */
  BitContent bits();

  /**
   * The true values of a person's attributes, worded as in the texts; a name includes all its parts. Random
   * strings have no name.
   *
   * @param person 0..N-1
   */
  Map<Attribute, String> values(long person);

  /**
   * The K attributes that a model can be asked for: those whose values are counted in bits, which are all but the name, and
   * what another value implies. Of random strings, which have no names, this is the second half alone.
   */
  default List<Attribute> attributes() {
    return values(0).keySet()
        .stream()
        .filter(attribute -> !attribute.equals(Attribute.NAME) && !attribute.equals(Attribute.EMPLOYER_CITY))
        .toList();
  }
}
