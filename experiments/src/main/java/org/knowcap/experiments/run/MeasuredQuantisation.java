package org.knowcap.experiments.run;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.analysis.results.QuantisedResult;

/**
 * The content of {@code result.json} of a quantised model.
 *
 * @param result the row of the results table
 * @param parts knowledge by part, as {@link MeasuredRun} has it
 * @param measuredPeople people whose losses were taken
 * @param calibrationPeople people whose biographies it was calibrated on, one each; 0 for a method that needs none
 * @param provenance where it comes from
 */
public record MeasuredQuantisation(QuantisedResult result, List<Knowledge> parts, long measuredPeople,
    long calibrationPeople, Map<String, String> provenance) {
  public MeasuredQuantisation {
    Objects.requireNonNull(result, "result");
    parts = List.copyOf(parts);
    provenance = Collections.unmodifiableMap(new LinkedHashMap<>(provenance));
  }
}
