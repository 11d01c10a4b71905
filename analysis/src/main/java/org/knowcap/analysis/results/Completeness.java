package org.knowcap.analysis.results;

import java.util.OptionalDouble;

/**
 * How much of each text the windows of training held; absent in tables of earlier versions.
 *
 * @param completeExposures     biographies of each person that lay in one window: exposures as the paper counts them
 * @param valueTokensBehindName share of the value tokens that were trained with the whole name before them in the window
 */
public record Completeness(OptionalDouble completeExposures, OptionalDouble valueTokensBehindName) {
  public static final Completeness UNKNOWN = new Completeness(OptionalDouble.empty(), OptionalDouble.empty());

  public Completeness {
    completeExposures.ifPresent(count -> RunResult.atLeastZero("complete_exposures", count));
    valueTokensBehindName.ifPresent(share -> RunResult.share("value_tokens_behind_name", share));
  }
}
