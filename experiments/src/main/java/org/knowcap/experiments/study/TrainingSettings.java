package org.knowcap.experiments.study;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.generators.corpus.Windows;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.program.MasterWeights;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.quantisation.Quantiser;
import org.knowcap.models.quantisation.RoundToNearest;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.training.LearningRateShape;
import tools.jackson.core.type.TypeReference;

/**
 * How every run of a study is trained. Defaults are the paper's (section 4 and appendix A), with two exceptions. The
 * batch is the paper's smallest, for small corpora. The warm-up is a part of the run, because small runs have fewer
 * than the paper's 1000 steps.
 *
 * @param batchSize sequences of each batch
 * @param contextLength tokens of a sequence
 * @param packing how texts are put into sequences
 * @param learningRate at its peak, after the warm-up
 * @param finalLearningRateFraction learning rate at the end over that at the peak
 * @param warmup linear, before the peak
 * @param learningRateShape between the peak and the end
 * @param tuningLearningRate at the beginning of a tuning, where it is not {@code learningRate}
 * @param precision of matmuls in training; measuring is always in fp32
 * @param weights how weight matrices are rounded in training, by the straight-through estimator; absent where they are exact
 * @param updateRule optimiser, weight decays, clipping, accumulation and master weights
 * @param initialisation the run whose parameters training starts from; absent for random ones
 */
public record TrainingSettings(int batchSize, int contextLength, Packing packing, double learningRate,
    double finalLearningRateFraction, Warmup warmup, LearningRateShape learningRateShape,
    OptionalDouble tuningLearningRate, Precision precision, Optional<Quantiser> weights,
    UpdateRule updateRule, Optional<InitialisationSpec> initialisation) {
  /** The same with another learning rate. */
  public TrainingSettings withLearningRate(double rate) {
    return new TrainingSettings(batchSize, contextLength, packing, rate, finalLearningRateFraction, warmup,
        learningRateShape, tuningLearningRate, precision, weights, updateRule, initialisation);
  }

  /** The windows of the training stream. */
  public Windows windows() {
    return new Windows(contextLength, packing);
  }

  public Optimiser optimiser() {
    return updateRule.optimiser();
  }

  /** Sequences of a step: those of all batches whose gradients it accumulates. */
  public int effectiveBatchSize() {
    return updateRule.accumulation() * batchSize;
  }

  /** Name of the optimiser, as a study gives it. */
  public String optimiserName() {
    return optimiser().getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  private static Map<String, Object> written(Quantiser rounding) {
    Map<String, Object> settings = new LinkedHashMap<>(Map.of("method", rounding.method()));
    if (rounding instanceof RoundToNearest(int bits, int group)) {
      settings.put("bits", bits);
      settings.put("group", group);
    }
    return settings;
  }

  /** The settings in {@code run.json}: each setting by its key in a study. */
  Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("batch_size", batchSize);
    settings.put("context_length", contextLength);
    // Named only where it is chosen: folders of runs are found by a hash of these settings, which must not change.
    if (packing != Packing.STREAM) {
      settings.put("packing", packing);
    }
    settings.put("learning_rate", learningRate);
    settings.put("final_learning_rate_fraction", finalLearningRateFraction);
    switch (warmup) {
      case Warmup.Steps(long steps) -> settings.put("warmup_steps", steps);
      case Warmup.Fraction(double fraction) -> settings.put("warmup_fraction", fraction);
    }
    settings.put("decay", learningRateShape);
    tuningLearningRate.ifPresent(rate -> settings.put("tuning_learning_rate", rate));
    settings.put("precision", precision);
    // Named only where it is chosen, too.
    weights.ifPresent(rounding -> settings.put("weights", written(rounding)));
    if (updateRule.masterWeights() != MasterWeights.FP32) {
      settings.put("master_weights", updateRule.masterWeights());
    }
    Map<String, Object> rule = new LinkedHashMap<>(Map.of("name", optimiserName()));
    rule.putAll(Json.MAPPER.convertValue(optimiser(), new TypeReference<Map<String, Object>>() {
    }));
    rule.remove("weight_decay");
    settings.put("optimiser", rule);
    Map<String, Object> decays = new LinkedHashMap<>();
    decays.put("embeddings", updateRule.embeddingDecay());
    decays.put("matrices", optimiser().weightDecay());
    decays.put("vectors", updateRule.vectorDecay());
    settings.put("weight_decay", decays);
    settings.put("gradient_clip", updateRule.clip().orElse(0));
    settings.put("accumulation", updateRule.accumulation());
    settings.put("start", initialisation.map(InitialisationSpec::settings));
    return settings;
  }
}
