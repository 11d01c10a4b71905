package org.knowcap.experiments.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.knowcap.analysis.capacity.AttributeRecall;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.analysis.results.Acquisition;
import org.knowcap.analysis.results.Frequencies;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.engine.routing.RoutingMetrics;

/**
 * The content of {@code result.json}.
 *
 * @param result the row of the results table
 * @param parts knowledge by part: names, values, and for bioD the diversity of the values; then for revised corpora
 *        the new, old and unchanged values
 * @param measuredPeople people whose losses were taken
 * @param provenance where it comes from
 * @param routing what routers of mixtures did in the last step of training; left out where there are none
 * @param recallByAttribute how often the model is right about each of the K attributes
 * @param exactBits of each part of the knowledge: log2 of the number of ways it can turn out
 * @param cautions what readers must know before they use the numbers, a sentence each
 * @param frequencies what is learnt of people by how often they were in training; left out where that was equal
 * @param weights what the model's weights take, if it was trained with rounded ones; otherwise left out
 * @param madeFrom the files that it belongs to; absent in files of earlier versions
 * @param partRecall of the measurements beside the corpus's parts: share of people of whom all that is asked is recalled; left out
 *        where there are none
 */
public record MeasuredRun(RunResult result, List<Knowledge> parts, long measuredPeople,
    Map<String, String> provenance, @JsonInclude(JsonInclude.Include.NON_EMPTY) List<RoutingMetrics> routing,
    List<AttributeRecall> recallByAttribute, Map<String, Double> exactBits, List<String> cautions,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Frequencies> frequencies,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<StoredWeights> weights,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Origin> madeFrom,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) Map<String, Double> partRecall) {
  public MeasuredRun {
    routing = routing == null ? List.of() : List.copyOf(routing);
    recallByAttribute = recallByAttribute == null ? List.of() : List.copyOf(recallByAttribute);
    exactBits = exactBits == null ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(exactBits));
    cautions = cautions == null ? List.of() : List.copyOf(cautions);
    frequencies = frequencies == null ? Optional.empty() : frequencies;
    weights = weights == null ? Optional.empty() : weights;
    madeFrom = madeFrom == null ? Optional.empty() : madeFrom;
    partRecall = partRecall == null ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(partRecall));
    Objects.requireNonNull(result, "result");
    parts = List.copyOf(parts);
    provenance = Collections.unmodifiableMap(new LinkedHashMap<>(provenance));
  }

  /** This result, under the name and the setting that the run has in the study as it is now. */
  MeasuredRun of(RunSpec spec, String name) {
    return result.run().equals(name) && result.setting().orElse("").equals(spec.setting())
        ? this
        : with(result.named(name, spec.setting()), provenance, weights, madeFrom);
  }

  /** This result, with what is known of how the run began to know. */
  MeasuredRun with(Acquisition acquisition) {
    return with(result.with(acquisition), provenance, weights, madeFrom);
  }

  /** This result, for a run that trained as a replica with others. */
  MeasuredRun trainedTogether(int runs) {
    if (runs == 1) {
      return this;
    }
    Map<String, String> entries = new LinkedHashMap<>(provenance);
    entries.put("trained as one", runs + " runs");
    return with(result, entries, weights, madeFrom);
  }

  /** This result, of a model that was trained with rounded weights. */
  MeasuredRun with(Optional<StoredWeights> stored) {
    return with(result, provenance, stored, madeFrom);
  }

  /** This result, as it belongs to the files that it was made from. */
  MeasuredRun madeFrom(Origin origin) {
    return with(result, provenance, weights, Optional.of(origin));
  }

  private MeasuredRun with(RunResult result, Map<String, String> provenance, Optional<StoredWeights> weights,
      Optional<Origin> madeFrom) {
    return new MeasuredRun(result, parts, measuredPeople, provenance, routing, recallByAttribute, exactBits,
        cautions, frequencies, weights, madeFrom, partRecall);
  }

  /** Its row in a table. */
  QuantisedResult row() {
    return weights.map(stored -> stored.row(result)).orElseGet(() -> QuantisedResult.unquantised(result));
  }
}
