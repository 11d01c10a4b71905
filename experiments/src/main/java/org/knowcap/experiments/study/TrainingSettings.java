package org.knowcap.experiments.study;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Optional;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.program.Learning;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.training.Decay;

/**
 * How every run of a study is trained. Defaults are the paper's (section 4 and appendix A), except the batch: its
 * smallest, for small corpora.
 *
 * @param batchSize sequences of each batch
 * @param contextLength tokens of a sequence
 * @param learningRate at its peak, after the warm-up
 * @param finalLearningRateFraction learning rate at the end over that at the peak
 * @param warmupSteps steps of the linear warm-up
 * @param decay how it gets there
 * @param precision of products; measuring is in fp32 in any case
 * @param learning by AdamW, one batch a step, unless told otherwise
 * @param start the run whose parameters are trained on; absent for random ones
 */
public record TrainingSettings(int batchSize, int contextLength, double learningRate,
    double finalLearningRateFraction, long warmupSteps, @JsonIgnore Decay decay,
    @JsonIgnore Precision precision, @JsonIgnore Learning learning, @JsonIgnore Optional<StartSpec> start) {
  @JsonProperty("optimiser")
  public Optimiser optimiser() {
    return learning.optimiser();
  }

  /** Sequences of a step: those of all batches whose gradients it accumulates. */
  public int effectiveBatchSize() {
    return learning.accumulation() * batchSize;
  }
}
