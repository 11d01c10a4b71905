package org.knowcap.generators.corpus;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A change of knowledge: of a share of the people, exactly, every one of some attributes gets another value.
 *
 * @param share      of the people, above 0 and at most 1; their number is rounded to a whole
 * @param attributes any of {@link #CHANGEABLE}
 * @param seed       of who changes, and what to
 */
public record Revision(double share, Set<Attribute> attributes, long seed) {
  /** What can be revised. */
  public static final List<Attribute> CHANGEABLE = List.of(Attribute.GENDER, Attribute.BIRTH_DATE,
      Attribute.BIRTH_CITY, Attribute.UNIVERSITY, Attribute.MAJOR, Attribute.EMPLOYER);

  /** @throws IllegalArgumentException if the share is out of range, or an attribute cannot change */
  public Revision {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException("the share of people revised must be above 0 and at most 1, found "
          + share);
    }
    attributes = Set.copyOf(attributes);
    if (attributes.isEmpty() || !CHANGEABLE.containsAll(attributes)) {
      throw new IllegalArgumentException("a revision's attributes must be one or more of "
          + keys(CHANGEABLE) + ", found " + keys(attributes));
    }
  }

  /** How many of so many people change. */
  public long changed(long people) {
    return Math.round(share * people);
  }

  Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("share", share);
    parameters.put("attributes", keys(CHANGEABLE.stream().filter(attributes::contains).toList()));
    parameters.put("seed", seed);
    return parameters;
  }

  private static List<String> keys(Iterable<Attribute> attributes) {
    List<String> keys = new ArrayList<>();
    attributes.forEach(attribute -> keys.add(attribute.key()));
    return keys;
  }
}
