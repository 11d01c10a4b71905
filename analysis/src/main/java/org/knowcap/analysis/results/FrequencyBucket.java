package org.knowcap.analysis.results;

/**
 * What a run has learnt of the people who were in training about equally often.
 *
 * @param exposuresFrom the least number of expected exposures of a person here: by Zipf's law a power of two, and 0 for all
 *        below 1
 * @param bucketPeople how many people of the corpus are here
 * @param measuredPeople of them
 * @param meanExposures expected exposures, mean over the people here
 * @param share of all items, those about the people here; 0 of people whom training leaves out
 * @param nameLoss nats of a name, mean over the measured people
 * @param valueLoss nats of all of a person's values, mean over the measured people
 * @param weightedValueLoss the same mean, in which each person counts as often as it is written (or once, if nobody here is)
 * @param valueBits bits of a person's values under uniform guessing
 * @param valueStoredBits of them, stored: mean over the measured people
 */
public record FrequencyBucket(double exposuresFrom, long bucketPeople, long measuredPeople,
    double meanExposures, double share, double nameLoss, double valueLoss, double weightedValueLoss,
    double valueBits, double valueStoredBits) {
  public FrequencyBucket {
    RunResult.atLeastZero("exposures_from", exposuresFrom);
    RunResult.atLeast(1, "bucket_people", bucketPeople);
    RunResult.atLeast(1, "measured_people", measuredPeople);
    if (measuredPeople > bucketPeople) {
      throw new IllegalArgumentException("measured_people is " + measuredPeople
          + "; it must be at most bucket_people, which is " + bucketPeople);
    }
    RunResult.atLeastZero("mean_exposures", meanExposures);
    RunResult.share("share", share);
    RunResult.atLeastZero("name_loss", nameLoss);
    RunResult.atLeastZero("value_loss", valueLoss);
    RunResult.atLeastZero("weighted_value_loss", weightedValueLoss);
    RunResult.aboveZero("value_bits", valueBits);
    RunResult.storedOf("value_stored_bits", valueStoredBits, "value_bits", valueBits, 0);
  }
}
