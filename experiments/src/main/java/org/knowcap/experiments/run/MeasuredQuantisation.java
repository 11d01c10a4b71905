package org.knowcap.experiments.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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
 * @param checkpoint the checksum that the checkpoint states which was quantised; absent in files of earlier versions
 */
public record MeasuredQuantisation(QuantisedResult result, List<Knowledge> parts, long measuredPeople,
    long calibrationPeople, Map<String, String> provenance,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<String> checkpoint) {
  public MeasuredQuantisation {
    checkpoint = checkpoint == null ? Optional.empty() : checkpoint;
    Objects.requireNonNull(result, "result");
    parts = List.copyOf(parts);
    provenance = Collections.unmodifiableMap(new LinkedHashMap<>(provenance));
  }
}
