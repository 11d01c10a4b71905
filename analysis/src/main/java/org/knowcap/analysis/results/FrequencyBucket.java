package org.knowcap.analysis.results;

/**
 * What a run has learnt of the people who were in training about equally often.
 *
 * @param exposuresFrom the least number of expected exposures of a person here, a power of two; 0 for all below 1
 * @param bucketPeople how many people of the corpus are here
 * @param measuredPeople of them
 * @param meanExposures expected exposures, mean over the people here
 * @param share of all items, those about the people here
 * @param nameLoss nats of a name, mean over the measured people
 * @param valueLoss nats of all of a person's values, mean over the measured people
 * @param weightedValueLoss the same mean, in which each person counts as often as it is written
 * @param valueBits bits of a person's values under uniform guessing
 * @param valueStoredBits of them, stored: mean over the measured people
 */
public record FrequencyBucket(double exposuresFrom, long bucketPeople, long measuredPeople,
    double meanExposures, double share, double nameLoss, double valueLoss, double weightedValueLoss,
    double valueBits, double valueStoredBits) {
  public FrequencyBucket {
    finite("exposures_from", exposuresFrom);
    finite("mean_exposures", meanExposures);
    finite("name_loss", nameLoss);
    finite("value_loss", valueLoss);
    finite("weighted_value_loss", weightedValueLoss);
    finite("value_stored_bits", valueStoredBits);
    RunResult.aboveZero("share", share);
    RunResult.aboveZero("value_bits", valueBits);
    RunResult.aboveZero("bucket_people", bucketPeople);
    RunResult.aboveZero("measured_people", measuredPeople);
  }

  private static void finite(String column, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(column + " is " + value + "; it must be a finite number");
    }
  }
}
