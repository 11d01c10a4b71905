package org.knowcap.experiments.probe;

import java.util.List;

/**
 * How often probes are right about an attribute: shares of the people that the probes were not trained on.
 *
 * @param attribute its key
 * @param classes different answers
 * @param part which part of the value is predicted: "value", "first part" (a date's month) or "first token"
 * @param name the Q-probe: predictions from only the name
 * @param positions the P-probe: predictions from a biography, right before its first, second, ... value, for people
 *        whose text has not yet stated this attribute
 * @param chance share of the most frequent answer
 */
public record ProbedAttribute(String attribute, int classes, String part, double name, List<Double> positions,
    double chance) {
  public ProbedAttribute {
    positions = List.copyOf(positions);
  }
}
