package org.knowcap.experiments.study;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Optional;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.training.LearningRateShape;

/**
 * How every run of a study is trained. Defaults are the paper's (section 4 and appendix A), except the batch: its
 * smallest, for small corpora.
 *
 * @param batchSize sequences of each batch
 * @param contextLength tokens of a sequence
 * @param learningRate at its peak, after the warm-up
 * @param finalLearningRateFraction learning rate at the end over that at the peak
 * @param warmupSteps steps of the linear warm-up
 * @param learningRateShape between the peak and the end
 * @param precision of products; measuring is in fp32 in any case
 * @param updateRule optimiser, weight decays, clipping and accumulation
 * @param initialisation the run whose parameters training starts from; absent for random ones
 */
public record TrainingSettings(int batchSize, int contextLength, double learningRate,
    double finalLearningRateFraction, long warmupSteps, @JsonIgnore LearningRateShape learningRateShape,
    @JsonIgnore Precision precision, @JsonIgnore UpdateRule updateRule,
    @JsonIgnore Optional<InitialisationSpec> initialisation) {
  @JsonProperty("optimiser")
  public Optimiser optimiser() {
    return updateRule.optimiser();
  }

  /** Sequences of a step: those of all batches whose gradients it accumulates. */
  public int effectiveBatchSize() {
    return updateRule.accumulation() * batchSize;
  }
}
