package org.knowcap.analysis.results;

import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A row of {@code frequency.csv}: a run whose people had unequal exposures, and one bucket of them.
 *
 * @param run name of the run
 * @param corpus name of the corpus
 * @param people N
 * @param exposures mean over the people
 * @param zipf exponent of Zipf's law of exposures; absent where exposures follow another rule
 * @param model short name
 * @param parameters P
 * @param seeds of corpus, weights and order
 * @param setting what the lists of its study chose
 * @param bucket what it learnt of some of the people
 */
public record FrequencyRow(String run, String corpus, long people, long exposures, OptionalDouble zipf,
    String model, long parameters, Seeds seeds, Optional<String> setting, FrequencyBucket bucket) {
  public FrequencyRow {
    RunResult.atLeast(1, "people", people);
    RunResult.atLeast(1, "exposures", exposures);
    zipf.ifPresent(exponent -> {
      RunResult.aboveZero("zipf", exponent);
      RunResult.aboveZero("share", bucket.share());
    });
    RunResult.atLeast(1, "parameters", parameters);
  }

  /** Of a run with this result. */
  public static FrequencyRow of(RunResult run, OptionalDouble zipf, FrequencyBucket bucket) {
    return new FrequencyRow(run.run(), run.corpus(), run.people(), run.exposures(), zipf, run.model(),
        run.parameters(), run.seeds(), run.setting(), bucket);
  }
}
