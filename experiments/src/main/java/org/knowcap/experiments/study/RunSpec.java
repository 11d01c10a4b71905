package org.knowcap.experiments.study;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.knowcap.generators.corpus.BioS;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.models.program.Program;
import org.knowcap.models.spec.ModelSpec;
import org.knowcap.models.training.Schedule;

/**
 * Everything that determines one run: a cell of a study's grid.
 *
 * @param people N
 * @param pools sizes of the pools in force
 * @param model its architecture
 * @param exposures how often each person occurs in training
 * @param seed of the corpus, the initial parameters and the people measured
 * @param training how it is trained
 * @param measuredPeople how many people are measured, all if there are fewer
 * @param engine as the study names it; "auto" is the preferred one of the machine
 */
public record RunSpec(long people, PoolSizes pools, ModelSpec model, long exposures, long seed,
    TrainingSettings training, long measuredPeople, String engine) {
  /** Name of the run and of its folder: readable, and unique by a hash of the whole record. */
  public String name() {
    return "bioS-" + people + "_" + model.name() + "_e" + exposures + "_s" + seed
        + "-"
        + fingerprint().substring(0, 8);
  }

  /** SHA-256 of this record as JSON, in hexadecimal. */
  public String fingerprint() {
    try {
      byte[] json = Json.MAPPER.writeValueAsString(this).getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(json));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** The corpus; the same seed and pools give the same people whatever N. */
  public Corpus corpus() {
    return new BioS(people, seed, Pools.shipped(pools), Templates.shipped());
  }

  /** The training program for a corpus of this many tokens in its vocabulary. */
  public Program program(int vocabulary) {
    return Program.training(model, vocabulary, training.windows(), training.window(), training.optimiser());
  }

  /**
   * Steps that show each person {@code exposures} times: people * exposures * mean tokens of an item, EOS included, over
   * the tokens of a step, rounded up.
   */
  public long steps(Corpus corpus) {
    return (long) Math.ceil(corpus.tokens(exposures) / ((long) training.windows() * training.window()));
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
        training.finalLearningRateFraction());
  }
}
