package org.knowcap.analysis.capacity;

import java.util.List;

/**
 * What a model stores of a corpus, in bits and per parameter (paper, definition 4.3).
 *
 * @param parts of the knowledge, at least one
 * @param storedBitsStandardError standard error of {@link #storedBits}, bits. It does not follow from the errors of
 *        the parts, because their losses are measured on the same people and go together. See {@link #of}.
 * @param parameters P of the model
 */
public record Capacity(List<Knowledge> parts, double storedBitsStandardError, long parameters) {

  public Capacity {
    parts = List.copyOf(parts);
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("a capacity needs at least one part of knowledge");
    }
    if (!Double.isFinite(storedBitsStandardError) || storedBitsStandardError < 0) {
      throw new IllegalArgumentException(
          "storedBitsStandardError is " + storedBitsStandardError + "; it must be finite and >= 0");
    }
    if (parameters < 1) {
      throw new IllegalArgumentException("parameters is " + parameters + "; it must be at least 1");
    }
  }

  /**
   * Capacity from parts that were measured on the same people.
   *
   * @param personLoss summary of each person's loss, in nats: the sum over parts of
   *        loss times (count / people)
   * @throws IllegalArgumentException if {@code personLoss} is not that sum
   */
  public static Capacity of(List<Knowledge> parts, SampleSummary personLoss, long parameters) {
    double people = personLoss.population();
    double sum = parts.stream().mapToDouble(part -> part.count() / people * part.lossNats()).sum();
    if (Math.abs(sum - personLoss.mean()) > 1e-6 * Math.max(1, sum)) {
      throw new IllegalArgumentException("the mean loss of a person is " + personLoss.mean()
          + " nats, but the losses of the parts add up to " + sum);
    }
    return new Capacity(parts, people * personLoss.standardError() / Math.log(2), parameters);
  }

  /** Bits the model stores; below zero if it is worse than a uniform guess. */
  public double storedBits() {
    return parts.stream().mapToDouble(Knowledge::storedBits).sum();
  }

  /** Bits of the corpus: the most that a model can store of it. */
  public double totalBits() {
    return parts.stream().mapToDouble(Knowledge::totalBits).sum();
  }

  /** R: stored bits per parameter. */
  public double capacityRatio() {
    return storedBits() / parameters;
  }

  /** Standard error of R, bits per parameter. */
  public double capacityRatioStandardError() {
    return storedBitsStandardError / parameters;
  }

  /** R^max: bits per parameter if all were stored. */
  public double maxCapacityRatio() {
    return totalBits() / parameters;
  }

  /** R / R^max: the fraction of the corpus's bits that is stored. */
  public double saturation() {
    return storedBits() / totalBits();
  }
}
