package org.knowcap.generators.corpus;

import java.util.Set;
import org.knowcap.generators.bits.KnowledgeKind;

/**
 * A measurement beside that of a corpus's own knowledge: how much a model knows of some attributes of the
 * people of a source, such as the values from before a revision.
 *
 * @param name        such as "old values"
 * @param source      its measuring items state the values
 * @param attributes  {@link KnowledgeKind#VALUE} tokens of these count, summed over a person
 * @param uniformBits cost of a person's values under uniform guessing, in bits
 */
public record SideMeasurement(String name, Source source, Set<Attribute> attributes, double uniformBits) {
  /** Keeps a copy of the set. */
  public SideMeasurement {
    attributes = Set.copyOf(attributes);
  }
}
