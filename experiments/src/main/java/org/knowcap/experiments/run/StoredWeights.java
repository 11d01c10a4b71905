package org.knowcap.experiments.run;

import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.models.quantisation.QuantisedModel;
import org.knowcap.models.quantisation.Quantiser;

/**
 * What the weights of a model take that was trained with rounded ones.
 *
 * @param method of rounding
 * @param weightBits bits of a weight's code
 * @param group number of weights that share a scale; 0 where it depends only on the matrix
 * @param bitsPerWeight bits of a rounded weight, with its share of scales and zero points
 * @param modelBits bits of the whole model
 */
public record StoredWeights(String method, int weightBits, int group, double bitsPerWeight,
    double modelBits) {
  static StoredWeights of(Quantiser quantiser, QuantisedModel model) {
    return new StoredWeights(quantiser.method(), quantiser.bits(), quantiser.group(), model.bitsPerWeight(),
        model.modelBits());
  }

  /** The row of a run with such weights. */
  QuantisedResult row(RunResult run) {
    return new QuantisedResult(run, method, weightBits, group, bitsPerWeight, modelBits,
        run.storedBits() / modelBits);
  }
}
