package org.knowcap.experiments.run;

import java.util.Locale;
import java.util.Optional;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.models.program.MasterWeights;
import org.knowcap.models.quantisation.QuantisedModel;
import org.knowcap.models.quantisation.Quantiser;

/**
 * What the weights of a model take that was trained with rounded ones, or kept them in fewer bits than fp32 has.
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

  /** Of a model whose parameters were kept in fewer bits than fp32 has. */
  static Optional<StoredWeights> of(MasterWeights type, long parameters) {
    return type == MasterWeights.FP32
        ? Optional.empty()
        : Optional.of(new StoredWeights(type.name().toLowerCase(Locale.ROOT), type.bits(), 0, type.bits(),
            (double) type.bits() * parameters));
  }

  /** The row of a run with such weights. */
  QuantisedResult row(RunResult run) {
    return new QuantisedResult(run, method, weightBits, group, bitsPerWeight, modelBits,
        run.storedBits() / modelBits);
  }
}
