package org.knowcap.generators.corpus;
import java.util.Set;
import org.knowcap.generators.bits.KnowledgeKind;

/**
 * Something to ask of a model besides how much of its corpus it knows: whether it holds the people of a
 * source to have these values of these attributes.
 *
 * @param name        as in "old values"
 * @param source      whose probes tell the values
 * @param attributes  whose {@link KnowledgeKind#VALUE} tokens count, for one person together
 * @param uniformBits cost of a person's values under uniform guessing
 */
public record SideMeasurement(String name, Source source, Set<Attribute> attributes, double uniformBits) {
  /** Keeps a copy of the set. */
  public SideMeasurement {
    attributes = Set.copyOf(attributes);
  }
}
