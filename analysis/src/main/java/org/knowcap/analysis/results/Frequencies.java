package org.knowcap.analysis.results;

import java.util.List;
import java.util.OptionalDouble;

/**
 * What a run has learnt of its people by how often they were in training, where that was unequal.
 *
 * @param zipf exponent of Zipf's law of exposures; absent where exposures follow another rule
 * @param buckets of people: by Zipf's law from those of the most exposures to those of the least; otherwise groups or cohorts in
 *        their order
 */
public record Frequencies(OptionalDouble zipf, List<FrequencyBucket> buckets) {
  public Frequencies {
    buckets = List.copyOf(buckets);
  }

  /** As rows of {@code frequency.csv}. */
  public List<FrequencyRow> rows(RunResult run) {
    return buckets.stream().map(bucket -> FrequencyRow.of(run, zipf, bucket)).toList();
  }
}
