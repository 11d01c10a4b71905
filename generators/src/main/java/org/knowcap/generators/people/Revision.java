package org.knowcap.generators.people;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.knowcap.generators.corpus.Attribute;

/**
 * A change of knowledge: an exact share of the people get another value of each of some attributes.
 *
 * @param share      of the people, above 0 and at most 1; their number is rounded to a whole number
 * @param attributes at least one
 * @param seed       determines which people change, and their new values
 */
public record Revision(double share, Set<Attribute> attributes, long seed) {

  /** @throws IllegalArgumentException if the share is out of range, or there are no attributes */
  public Revision {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException(
          "the share of people revised must be above 0 and at most 1, found " + share);
    }
    if (attributes.isEmpty()) {
      throw new IllegalArgumentException("a revision needs one or more attributes, found none");
    }
    attributes = Set.copyOf(attributes);
  }

  /** The revision as it goes into files. */
  Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("share", share);
    parameters.put("attributes", keys());
    parameters.put("seed", seed);
    return parameters;
  }

  List<String> keys() {
    return attributes.stream().map(Attribute::key).sorted().toList();
  }
}
