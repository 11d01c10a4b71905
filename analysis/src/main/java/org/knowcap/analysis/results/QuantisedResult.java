package org.knowcap.analysis.results;

/**
 * What a model stores when its weights are rounded to a few bits, and what storing those takes: a row of the table beside
 * its run's. Where a table has such rows, its runs have these columns too.
 *
 * @param run the columns of all runs, measured on the rounded weights; its name is the run's, a slash, and the label
 * @param quantisation method, such as "gptq"; "none" of a run itself
 * @param weightBits bits of a weight's code; 32 of a run itself
 * @param group weights that share a scale, 0 where that depends on the matrix alone
 * @param bitsPerWeight bits of a rounded weight with its share of scales and the like
 * @param modelBits bits that all parameters take: rounded ones as above, others 32 each
 * @param capacityPerBit stored bits over model bits
 */
public record QuantisedResult(RunResult run, String quantisation, int weightBits, int group,
    double bitsPerWeight, double modelBits, double capacityPerBit) {
  private static final String NONE = "none";
  private static final int FULL_BITS = 32;

  public QuantisedResult {
    RunResult.text("quantisation", quantisation);
    RunResult.atLeast(1, "weight_bits", weightBits);
    RunResult.atLeast(0, "group", group);
    RunResult.aboveZero("bits_per_weight", bitsPerWeight);
    RunResult.aboveZero("model_bits", modelBits);
    RunResult.finite("capacity_per_bit", capacityPerBit);
  }

  /** A run itself, beside those that were made from it. */
  public static QuantisedResult unquantised(RunResult run) {
    double bits = (double) FULL_BITS * run.parameters();
    return new QuantisedResult(run, NONE, FULL_BITS, 0, FULL_BITS, bits, run.storedBits() / bits);
  }

  /** Whether this is no run itself, but was made from one. */
  public boolean quantised() {
    return !quantisation.equals(NONE);
  }

  /** Name of the run whose model was rounded. */
  public String trainedRun() {
    return quantised() ? run.run().substring(0, run.run().lastIndexOf('/')) : run.run();
  }
}
