package org.knowcap.experiments.probe;

import java.util.List;

/**
 * What probes tell of an attribute: shares of people who are not among those that the probes were trained on.
 *
 * @param attribute its key
 * @param classes different answers
 * @param part which part of the value is told: "value", "first part" (a date's month) or "first token"
 * @param name from the name alone: the Q-probe
 * @param positions from a biography, right before the first, second, ... of its values, of people whose text has not said
 *     this one before: the P-probe
 * @param chance share of the most frequent answer
 */
public record ProbedAttribute(String attribute, int classes, String part, double name, List<Double> positions,
    double chance) {
  public ProbedAttribute {
    positions = List.copyOf(positions);
  }
}
