package org.knowcap.analysis.law;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.analysis.units.Units;

/**
 * The cell in which one model stores most bits per parameter, over the sizes of its corpora.
 *
 * @param cell of the greatest mean R among those of which no run stores over 90 % of its corpus: over seeds that all
 *        of these have, or, where they have fewer than two in common, among the cells of the most seeds
 * @param cells all of this model, by corpus size
 */
public record Peak(Cell cell, List<Cell> cells) {
  /**
   * The peak over these cells of one model; absent where the largest corpus is nearly stored whole, or nothing is
   * stored.
   */
  static Optional<Peak> of(List<Cell> cells) {
    List<Cell> bySize = cells.stream().sorted(Cell.ORDER).toList();
    List<Cell> free = bySize.stream()
        .filter(cell -> !cell.nearlyFull() && cell.storedBits().value() > 0)
        .toList();
    if (free.isEmpty() || bySize.getLast().nearlyFull()) {
      return Optional.empty();
    }
    List<Cell> compared = free;
    Set<Seeds> common = Cell.commonSeeds(free);
    if (common.size() < 2) {
      int most = free.stream().mapToInt(cell -> cell.runs().size()).max().orElseThrow();
      compared = free.stream().filter(cell -> cell.runs().size() == most).toList();
      common = Cell.commonSeeds(compared);
    }
    Set<Seeds> seeds = common;
    ToDoubleFunction<Cell> ratio = seeds.isEmpty()
        ? cell -> cell.ratio().value()
        : cell -> mean(cell.ratios(seeds));
    return compared.stream().max(Comparator.comparingDouble(ratio)).map(best -> new Peak(best, bySize));
  }

  private static double mean(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  /** P of the model: the mean over its cells, because a larger corpus may use more tokens. */
  public double parameters() {
    return cells.stream().mapToLong(Cell::parameters).average().orElseThrow();
  }

  /**
   * R of the peak less R of another cell, over the seeds of both cells; if they have none in common, the difference
   * of the means.
   */
  private Estimate above(Cell other) {
    Set<Seeds> common = Cell.commonSeeds(List.of(cell, other));
    if (common.isEmpty()) {
      return Estimate.alone(cell.ratio().value() - other.ratio().value(), "no seed is common to both");
    }
    double[] differences = cell.ratios(common);
    double[] others = other.ratios(common);
    for (int i = 0; i < others.length; i++) {
      differences[i] -= others[i];
    }
    Estimate difference = Estimate.mean(differences, "seeds", cell.ratio().value());
    return common.size() > 1 && !Seeds.independent(List.copyOf(common))
        ? Estimate.alone(difference.value(), "two seeds share a part")
        : difference;
  }

  private boolean lower(Predicate<Cell> which) {
    return cells.stream().anyMatch(other -> which.test(other) && above(other).value() >= 0);
  }

  /** Whether a smaller corpus was measured where R is no greater. */
  public boolean smallerMeasured() {
    return lower(other -> other.people() < cell.people());
  }

  /** Whether a larger corpus was measured that does not limit R, and where R is no greater. */
  public boolean largerMeasured() {
    return lower(other -> other.people() > cell.people() && !other.nearlyFull());
  }

  /** A corpus from which the model stores more per parameter on equal seeds, though it cannot be the peak. */
  private Optional<Cell> greater() {
    return cells.stream().filter(other -> above(other).value() < 0).findFirst();
  }

  /** Whether the peak lies between two measured corpora, so that R does not rise any more. */
  public boolean bracketed() {
    return smallerMeasured() && largerMeasured() && greater().isEmpty();
  }

  /**
   * Whether this is what the model holds, with an interval: bracketed, limited by the model, of two independent
   * seeds or more.
   */
  public boolean isCapacity() {
    return bracketed() && cell.limit() == Limit.MODEL && cell.ratio().hasInterval();
  }

  /**
   * Whether R of the corpora beside the peak is surely lower: the 95 % interval over pairs of equal seeds is above
   * 0.
   */
  public boolean resolved() {
    return beside(-1).filter(this::surelyLower).isPresent()
        && beside(1).filter(this::surelyLower).isPresent();
  }

  private Optional<Cell> beside(int step) {
    int at = cells.indexOf(cell) + step;
    return at < 0 || at >= cells.size() ? Optional.empty() : Optional.of(cells.get(at));
  }

  private boolean surelyLower(Cell other) {
    Estimate above = above(other);
    return above.hasInterval() && above.low().getAsDouble() > 0;
  }

  /** For people: "bracketed", or what is missing. */
  public String bracket() {
    Optional<Cell> greater = greater();
    if (greater.isPresent()) {
      return "R is greater at N = " + Units.count(greater.get().people())
          + (greater.get().nearlyFull()
              ? ", which is nearly stored whole: R may be greater between"
              : " on the seeds of both: more seeds are needed there");
    }
    if (bracketed()) {
      return resolved() ? "bracketed" : "bracketed, not resolved from the corpora beside it";
    }
    return largerMeasured()
        ? "no smaller corpus was measured"
        : "no larger corpus was measured: R may still rise"
            + (smallerMeasured() ? "" : ", nor a smaller one");
  }
}
