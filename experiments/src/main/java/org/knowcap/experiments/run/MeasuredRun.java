package org.knowcap.experiments.run;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.analysis.results.RunResult;

/**
 * What {@code result.json} holds.
 *
 * @param result the row of the results table
 * @param parts knowledge by part: names, values, and of bioD the diversity of the values; then, of revised people, what
 *        is new, old and unchanged
 * @param measuredPeople people whose losses were taken
 * @param provenance where it comes from
 */
public record MeasuredRun(RunResult result, List<Knowledge> parts, long measuredPeople,
    Map<String, String> provenance) {
  public MeasuredRun {
    Objects.requireNonNull(result, "result");
    parts = List.copyOf(parts);
    provenance = Collections.unmodifiableMap(new LinkedHashMap<>(provenance));
  }
}
