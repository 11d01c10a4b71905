package org.knowcap.experiments.study;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.checkpoint.ParameterIdentity;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.program.UpdateRule;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.FeedForward;
import org.knowcap.models.architecture.Mask;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Positions;
import org.knowcap.models.architecture.Rotary;
import org.knowcap.models.training.LearningRateShape;
import org.knowcap.models.training.Schedule;
import org.knowcap.models.training.Initialisation;

/**
 * Everything that determines one run: a cell of a study's grid.
 *
 * @param corpusSpec what the corpus is but for its seed
 * @param model its architecture
 * @param exposures how often each person occurs in training
 * @param seed of the corpus, the initial parameters and the people measured
 * @param training how it is trained
 * @param measuredPeople how many people are measured, all if there are fewer
 * @param engine as the study names it; "auto" is the preferred one of the machine
 */
public record RunSpec(CorpusSpec corpusSpec, ModelSpec model, long exposures, long seed,
    TrainingSettings training, long measuredPeople, String engine) {
  /** Name of the run and of its folder: readable, and unique by a hash of all settings. */
  public String name() {
    return corpusSpec.name() + "_" + model.name() + "_e" + exposures + "_s" + seed + "-"
        + fingerprint().substring(0, 8);
  }

  /** N. */
  public long people() {
    return corpusSpec.people();
  }

  /** What {@code run.json} holds, in this order: everything that determines the run. */
  public Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>(corpusSpec.settings());
    settings.put("model", modelSettings(model));
    settings.put("exposures", exposures);
    settings.put("seed", seed);
    settings.put("training", training);
    if (training.precision() != Precision.FP32) {
      // Runs of before there was a choice keep their names.
      settings.put("precision", training.precision());
    }
    if (training.learningRateShape() != LearningRateShape.COSINE) {
      settings.put("decay", training.learningRateShape());
    }
    if (!(training.optimiser() instanceof Optimiser.AdamW)) {
      settings.put("optimiser", optimiserName());
    }
    learningSettings(settings);
    training.initialisation().ifPresent(start -> settings.put("start", start.settings()));
    settings.put("measured_people", measuredPeople);
    settings.put("engine", engine);
    return settings;
  }

  /** Of what a step does beside the optimiser, only what was asked for. */
  private void learningSettings(Map<String, Object> settings) {
    UpdateRule updateRule = training.updateRule();
    if (updateRule.embeddingDecay() != updateRule.optimiser().weightDecay()
        || updateRule.vectorDecay() != 0) {
      Map<String, Object> decays = new LinkedHashMap<>();
      decays.put("embeddings", updateRule.embeddingDecay());
      decays.put("vectors", updateRule.vectorDecay());
      settings.put("weight_decay", decays);
    }
    updateRule.clip().ifPresent(clip -> settings.put("gradient_clip", clip));
    if (updateRule.accumulation() > 1) {
      settings.put("accumulation", updateRule.accumulation());
    }
  }

  private String optimiserName() {
    return training.optimiser().getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  /** GPT2 as it has always been written, so that its runs keep their names; of others everything. */
  private static Map<String, Object> modelSettings(ModelSpec model) {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("layers", model.layers());
    settings.put("heads", model.heads());
    settings.put("head_width", model.headWidth());
    model.positions().rotary().ifPresent(rotary -> settings.put("rotary", rotary));
    switch (model.positions()) {
      case Rotary _ -> {
        // Said by now.
      }
      case Positions.Ntk ntk -> settings.put("ntk_scale", ntk.scale());
      case Positions.Rerope rerope -> settings.put("rerope_window", rerope.window());
      case Positions.LeakyRerope leaky -> {
        settings.put("rerope_window", leaky.window());
        settings.put("rerope_slowness", leaky.slowness());
      }
      case Positions.Alibi alibi -> settings.put("positions", alibi.kind());
      case Positions.Learned learned -> settings.put("learned_positions", learned.length());
      case Positions.None none -> settings.put("positions", none.kind());
    }
    if (!model
        .equals(Family.GPT2.model(model.layers(), model.heads(), model.headWidth(), model.positions()))) {
      settings.put("family", model.family().prefix());
      settings.put("key_heads", model.keyHeads());
      model.attentionWindow().ifPresent(tokens -> settings.put("attention_window", tokens));
      if (model.mask() != Mask.CAUSAL) {
        settings.put("mask", model.mask());
      }
      settings.put("norm", model.norm());
      settings.put("feed_forward", feedForwardSettings(model.feedForward()));
      model.feedForward().experts().ifPresent(experts -> settings.put("experts", experts));
      if (!model.causal()) {
        settings.put("causal", false);
      }
      settings.put("biases", model.biases());
      settings.put("tied", model.tied());
    }
    return settings;
  }

  /** As it has been written since before there were experts. */
  private static Map<String, Object> feedForwardSettings(FeedForward feedForward) {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("form", feedForward.form());
    settings.put("activation", feedForward.activation());
    settings.put("factor", feedForward.factor());
    return settings;
  }

  /** SHA-256 of the settings as JSON, in hexadecimal. */
  public String fingerprint() {
    try {
      byte[] json = Json.MAPPER.writeValueAsString(settings()).getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(json));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** The corpus; the same seed and lists give the same people whatever N. */
  public Corpus corpus() {
    return corpusSpec.corpus(seed);
  }

  /** The training program for a corpus. */
  public Program program(Corpus corpus) {
    return Program.training(model, ids(corpus), training.batchSize(), training.contextLength(),
        training.updateRule());
  }

  /** The ids of a corpus's tokens; its end of text is what each item begins with. */
  public static TokenIds ids(Corpus corpus) {
    return new TokenIds(corpus.vocabulary().size(), corpus.vocabulary().eos());
  }

  /** Where its parameters come from. */
  public Initialisation initialisation(Corpus corpus) {
    return training.initialisation()
        .map(start -> model.feedForward().experts().isPresent() && start.isOf(denseIdentity(corpus))
            ? start.upcycled(Program.scoring(model.dense(), ids(corpus), 1, training.contextLength()), seed)
            : start.from())
        .orElse(new Initialisation.Drawn(seed));
  }

  /** What its parameters mean; runs of equal models and vocabularies can start from each other's. */
  public ParameterIdentity identity(Corpus corpus) {
    return identity(model, corpus);
  }

  /** The same for the model without experts, from which one with experts can start; for one that has none its own. */
  ParameterIdentity denseIdentity(Corpus corpus) {
    return identity(model.dense(), corpus);
  }

  private ParameterIdentity identity(ModelSpec spec, Corpus corpus) {
    return new ParameterIdentity(Json.MAPPER.writeValueAsString(modelSettings(spec)),
        corpus.vocabulary().digest(), optimiserName());
  }

  /**
   * Steps that show each person {@code exposures} times: people * exposures * mean tokens of an item, EOS included, over
   * the tokens of a step, rounded up.
   */
  public long steps(Corpus corpus) {
    return (long) Math
        .ceil(corpus.tokens(exposures) / ((long) training.effectiveBatchSize() * training.contextLength()));
  }

  /**
   * Learning rates over the run.
   *
   * @throws IllegalArgumentException where the warm-up is no shorter than the run
   */
  public Schedule schedule(Corpus corpus) {
    long steps = steps(corpus);
    if (training.warmupSteps() >= steps) {
      throw new IllegalArgumentException("found " + training.warmupSteps() + ", but run " + name()
          + " has only " + steps + " steps; give it more exposures, smaller batches or a shorter warm-up");
    }
    return new Schedule(training.warmupSteps(), steps, training.learningRate(),
        training.finalLearningRateFraction(), training.learningRateShape());
  }
}
