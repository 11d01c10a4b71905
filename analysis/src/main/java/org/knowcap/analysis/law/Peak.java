package org.knowcap.analysis.law;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.knowcap.analysis.results.Limit;

/**
 * Where one model stores most bits per parameter, over the sizes of its corpora.
 *
 * @param cell of the greatest mean R among those that the corpus does not limit
 * @param cells all of this model, by corpus size
 */
public record Peak(Cell cell, List<Cell> cells) {
  /** The peak over these cells of one model; absent where the corpus limits them all, or nothing is stored in any. */
  static Optional<Peak> of(List<Cell> cells) {
    List<Cell> bySize = cells.stream().sorted(Cell.ORDER).toList();
    return bySize.stream()
        .filter(cell -> cell.limit() != Limit.CORPUS && cell.storedBits().value() > 0)
        .max(Comparator.comparingDouble(cell -> cell.ratio().value()))
        .map(best -> new Peak(best, bySize));
  }

  /** Whether a smaller corpus was measured; R is then no greater there. */
  public boolean smallerMeasured() {
    return cells.stream().anyMatch(other -> other.people() < cell.people());
  }

  /** Whether a larger corpus was measured; R is then no greater there. */
  public boolean largerMeasured() {
    return cells.stream().anyMatch(other -> other.people() > cell.people());
  }

  /** Whether the peak lies between two measured corpora, so that R does not rise any more. */
  public boolean bracketed() {
    return smallerMeasured() && largerMeasured();
  }

  /** For people: "bracketed", or what is missing. */
  public String bracket() {
    if (bracketed()) {
      return "bracketed";
    }
    return largerMeasured()
        ? "no smaller corpus was measured"
        : "no larger corpus was measured: R may still rise"
            + (smallerMeasured() ? "" : ", nor a smaller one");
  }
}
