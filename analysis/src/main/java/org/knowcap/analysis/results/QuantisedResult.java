package org.knowcap.analysis.results;

/**
 * What a model stores when its weights are rounded to a few bits, and how many bits the rounded weights take: a row
 * of the table beside the row of its run. If a table has such rows, the rows of its runs have these columns too. A run that
 * was trained with rounded weights has such a row of its own.
 *
 * @param run the columns of all runs, measured on the rounded weights; its name is the run's, a slash, and the label
 * @param quantisation method, such as "gptq"; "none" in the row of a run that was trained with exact weights
 * @param weightBits bits of a weight's code; 32 in the row of the run itself
 * @param group number of weights that share a scale; 0 where it depends only on the matrix
 * @param bitsPerWeight bits of a rounded weight, with its share of scales and zero points
 * @param modelBits bits that all parameters take; a parameter that is not rounded takes 32
 * @param capacityPerBit stored bits over model bits
 */
public record QuantisedResult(RunResult run, String quantisation, int weightBits, int group,
    double bitsPerWeight, double modelBits, double capacityPerBit) {
  /** The method where weights are exact. */
  public static final String NONE = "none";
  /** Bits of an exact weight. */
  public static final int FULL_BITS = 32;

  public QuantisedResult {
    RunResult.text("quantisation", quantisation);
    RunResult.atLeast(1, "weight_bits", weightBits);
    RunResult.atLeast(0, "group", group);
    RunResult.aboveZero("bits_per_weight", bitsPerWeight);
    RunResult.aboveZero("model_bits", modelBits);
    RunResult.follows("capacity_per_bit", capacityPerBit, "stored_bits / model_bits",
        run.storedBits() / modelBits);
  }

  /** The row of a run itself, beside the rows of models that were made from it. */
  public static QuantisedResult unquantised(RunResult run) {
    double bits = (double) FULL_BITS * run.parameters();
    return new QuantisedResult(run, NONE, FULL_BITS, 0, FULL_BITS, bits, run.storedBits() / bits);
  }

  /** Whether this row is of a model that was quantised after training, not of a run itself. */
  public boolean quantised() {
    return run.run().contains("/");
  }

  /** Whether its weights are rounded, in training or after it. */
  public boolean rounded() {
    return !quantisation.equals(NONE);
  }

  /**
   * This row, with the run under another name.
   *
   * @param choices of the lists of its study; empty where there are none
   */
  public QuantisedResult named(String name, String choices) {
    String label = quantised() ? run.run().substring(run.run().lastIndexOf('/')) : "";
    return new QuantisedResult(run.named(name + label, choices), quantisation, weightBits, group,
        bitsPerWeight, modelBits, capacityPerBit);
  }

  /** Name of the run whose model was rounded. */
  public String trainedRun() {
    return quantised() ? run.run().substring(0, run.run().lastIndexOf('/')) : run.run();
  }
}
