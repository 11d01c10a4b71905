package org.knowcap.analysis.law;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.knowcap.analysis.results.RunResult;

/**
 * An arm of a law, as far as it was run.
 *
 * @param name in its law
 * @param what it is, for people: the model, its corpus and its exposures
 * @param runs at the chosen learning rate, one for each seed that is measured; the choosing seed is none of them
 * @param rates learning rates that were tried with the choosing seed, ascending
 * @param missing runs that are still to be done, at least
 */
public record Arm(String name, String what, List<RunResult> runs, List<TriedRate> rates, int missing) {
  /**
   * A learning rate.
   *
   * @param learningRate at its peak
   * @param capacityRatio R of the choosing seed, bits per parameter; negative infinity where training failed
   */
  public record TriedRate(double learningRate, double capacityRatio) {}

  public Arm {
    runs = List.copyOf(runs);
    rates = rates.stream().sorted(Comparator.comparingDouble(TriedRate::learningRate)).toList();
  }

  /** The rate of which most was stored with the choosing seed; empty where none was tried. */
  public Optional<TriedRate> best() {
    return rates.stream().max(Comparator.comparingDouble(TriedRate::capacityRatio));
  }

  /** Whether a lower or a higher rate than the best was not tried. */
  boolean rateAtEnd() {
    return best().isPresent()
        && (best().get().equals(rates.getFirst()) || best().get().equals(rates.getLast()));
  }

  /** Its runs as a cell; there must be some. */
  public Cell cell() {
    return new Cell(runs, List.of());
  }
}
