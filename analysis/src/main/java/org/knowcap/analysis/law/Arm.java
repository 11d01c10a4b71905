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
 * @param sourceBits bits that each name costs because the model cannot know which source of a mixture a text is from
 */
public record Arm(String name, String what, List<RunResult> runs, List<TriedRate> rates, int missing,
    double sourceBits) {
  /**
   * A learning rate.
   *
   * @param learningRate at its peak
   * @param capacityRatio R of the choosing seed, bits per parameter; negative infinity if the rate has lost, because a run
   *        diverged with it or with a lower one
   */
  public record TriedRate(double learningRate, double capacityRatio) {
    boolean lost() {
      return capacityRatio == Double.NEGATIVE_INFINITY;
    }
  }

  public Arm {
    runs = List.copyOf(runs);
    rates = rates.stream().sorted(Comparator.comparingDouble(TriedRate::learningRate)).toList();
  }

  /** An arm whose corpus has one source. */
  public Arm(String name, String what, List<RunResult> runs, List<TriedRate> rates, int missing) {
    this(name, what, runs, rates, missing, 0);
  }

  /** This arm with the bits credited that guessing the source costs. */
  Arm sourceTold() {
    return runs.isEmpty() || sourceBits == 0
        ? this
        : new Arm(name, what, runs.stream().map(run -> run.with(run.people() * sourceBits)).toList(), rates
            .stream()
            .map(tried -> new TriedRate(tried.learningRate(),
                tried.capacityRatio() + runs.getFirst().people() * sourceBits / runs.getFirst().parameters()))
            .toList(), missing, 0);
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

  /** Whether it has no runs and never will, because training diverged with every learning rate. */
  boolean diverged() {
    return runs.isEmpty() && missing == 0;
  }

  /** Its runs as a cell; there must be some. */
  public Cell cell() {
    return new Cell(runs, List.of());
  }
}
