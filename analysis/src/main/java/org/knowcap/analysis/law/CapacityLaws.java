package org.knowcap.analysis.law;

import java.util.List;
import java.util.Optional;
import org.knowcap.analysis.results.RunResult;

/**
 * The capacity laws of some results, fitted once.
 *
 * @param all one for each family, kind of corpus and number of exposures
 * @param shortfall why none of them has an interval, and what to run: one sentence; absent where one has, or there are no laws
 */
public record CapacityLaws(List<CapacityLaw> all, Optional<String> shortfall) {
  /** Of these cells. */
  public static CapacityLaws of(Cells cells) {
    List<CapacityLaw> laws = CapacityLaw.of(cells);
    return new CapacityLaws(laws,
        laws.stream().anyMatch(CapacityLaw::hasInterval)
            ? Optional.empty()
            : Optional
                .of(new Shortfall(cells.cells(), laws.stream().flatMap(law -> law.peaks().stream()).toList())
                    .sentence()));
  }

  /** Of these results; where they cannot be fitted, there are none, and the sentence says why. */
  public static CapacityLaws of(List<RunResult> results) {
    try {
      return of(Cells.of(results));
    } catch (LawException e) {
      return new CapacityLaws(List.of(),
          results.isEmpty() ? Optional.empty() : Optional.of("No law is fitted: " + e.getMessage() + "."));
    }
  }

  /** Those whose exponent has an interval. */
  public List<CapacityLaw> withInterval() {
    return all.stream().filter(CapacityLaw::hasInterval).toList();
  }
}
