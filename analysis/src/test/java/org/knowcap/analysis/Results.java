package org.knowcap.analysis;

import java.util.Optional;
import java.util.OptionalDouble;
import org.knowcap.analysis.capacity.Memorisation;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.analysis.results.Acquisition;
import org.knowcap.analysis.results.Completeness;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.results.PartBits;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.Seeds;

/** Results for tests, with only what matters to a test spelled out. */
public final class Results {
  private Results() {}

  /** A run that stored {@code storedBits} of {@code totalBits}. */
  public static RunResult run(long people, long exposures, long parameters, long seed, double storedBits,
      double totalBits) {
    return run("n" + people + "-e" + exposures + "-p" + parameters + "-s" + seed, people, exposures,
        parameters, seed, storedBits, totalBits);
  }

  public static RunResult run(String name, long people, long exposures, long parameters, long seed,
      double storedBits, double totalBits) {
    return run(name, people, exposures, parameters, Seeds.all(seed), storedBits, totalBits);
  }

  public static RunResult run(String name, long people, long exposures, long parameters, Seeds seeds,
      double storedBits, double totalBits) {
    return run(name, people, exposures, "gpt2-2-2", parameters, seeds, storedBits, totalBits);
  }

  /** A run of another model than gpt2-2-2. */
  public static RunResult run(long people, long exposures, String model, long parameters, long seed,
      double storedBits, double totalBits) {
    return run(model + "-n" + people + "-e" + exposures + "-s" + seed, people, exposures, model, parameters,
        Seeds.all(seed), storedBits, totalBits);
  }

  /** A run of 200 people and 1000 parameters. */
  public static RunResult run(String model, Seeds seeds, double storedBits) {
    return run(model + "-" + seeds.label(), 200, 400, model, 1000, seeds, storedBits, 4000);
  }

  private static RunResult run(String name, long people, long exposures, String model, long parameters,
      Seeds seeds, double storedBits, double totalBits) {
    return new RunResult(name, "bioS(" + people + ")", people, exposures, model, parameters, "nd4j", seeds,
        OptionalDouble.of(Math.log(people)), 0.25, storedBits, totalBits, storedBits / parameters,
        totalBits / parameters, storedBits / totalBits, 51_234.5, 83.25, 17.5, OptionalDouble.of(0.011),
        0.023, 12_000, 30 * people * exposures, 1.2, 32, 0.001, parameters, true, PartBits.UNKNOWN,
        OptionalDouble.empty(), Limit.of(storedBits / totalBits, OptionalDouble.empty()), RecallShares.NONE,
        Completeness.UNKNOWN, OptionalDouble.empty(), Optional.empty(), Memorisation.NONE,
        Acquisition.UNKNOWN, OptionalDouble.empty(), OptionalDouble.empty());
  }

  /** The same run, limited by something else. */
  public static RunResult limited(RunResult run, Limit limit) {
    return changed(run, run.learningRate(), limit, run.setting(), run.memorisation());
  }

  /** The same run with another learning rate. */
  public static RunResult withRate(RunResult run, double rate) {
    return changed(run, rate, run.limitedBy(), run.setting(), run.memorisation());
  }

  /** The same run of a study whose lists chose this. */
  public static RunResult withSetting(RunResult run, String setting) {
    return changed(run, run.learningRate(), run.limitedBy(), Optional.of(setting), run.memorisation());
  }

  /** The same run, as if its corpus had been of random strings, of which it memorised so many bits. */
  public static RunResult ofStrings(RunResult run, double memorisedBits) {
    return changed(run, run.learningRate(), run.limitedBy(), run.setting(),
        new Memorisation(OptionalDouble.of(memorisedBits), OptionalDouble.of(3),
            OptionalDouble.of(memorisedBits / run.parameters()), OptionalDouble.of(0.5),
            OptionalDouble.of(-2000)));
  }

  /** The same run, trained on so many tokens in so many steps. */
  public static RunResult withTokens(RunResult run, long tokens, long steps) {
    return new RunResult(run.run(), run.corpus(), run.people(), run.exposures(), run.model(),
        run.parameters(), run.engine(), run.seeds(), run.nameLossNats(), run.valueLossNats(),
        run.storedBits(), run.totalBits(), run.capacityRatio(), run.maxCapacityRatio(), run.saturation(),
        run.tokensPerSecond(), run.seconds(), run.storedBitsStandardError(), run.nameLossStandardError(),
        run.valueLossStandardError(), steps, tokens, run.finalLossNats(), run.headWidth(), run.learningRate(),
        run.activeParameters(), run.causal(), run.bits(), run.lateShare(), run.limitedBy(), run.recall(),
        run.completeness(), run.nameExactBits(), run.setting(), run.memorisation(), run.acquisition(),
        run.frozenParameters(), run.memoryParameters());
  }

  /** The same run, with so many complete exposures and exact bits of names. */
  public static RunResult withCounts(RunResult run, double completeExposures, double nameExactBits) {
    return new RunResult(run.run(), run.corpus(), run.people(), run.exposures(), run.model(),
        run.parameters(), run.engine(), run.seeds(), run.nameLossNats(), run.valueLossNats(),
        run.storedBits(), run.totalBits(), run.capacityRatio(), run.maxCapacityRatio(), run.saturation(),
        run.tokensPerSecond(), run.seconds(), run.storedBitsStandardError(), run.nameLossStandardError(),
        run.valueLossStandardError(), run.steps(), run.tokens(), run.finalLossNats(), run.headWidth(),
        run.learningRate(), run.activeParameters(), run.causal(), run.bits(), run.lateShare(),
        run.limitedBy(), run.recall(),
        new Completeness(OptionalDouble.of(completeExposures), OptionalDouble.of(0.5)),
        OptionalDouble.of(nameExactBits), run.setting(), run.memorisation(), run.acquisition(),
        run.frozenParameters(), run.memoryParameters());
  }

  /** As {@code run}, with these shares of right answers. */
  public static RunResult withRecall(RunResult run, RecallShares recall) {
    return new RunResult(run.run(), run.corpus(), run.people(), run.exposures(), run.model(),
        run.parameters(), run.engine(), run.seeds(), run.nameLossNats(), run.valueLossNats(),
        run.storedBits(), run.totalBits(), run.capacityRatio(), run.maxCapacityRatio(), run.saturation(),
        run.tokensPerSecond(), run.seconds(), run.storedBitsStandardError(), run.nameLossStandardError(),
        run.valueLossStandardError(), run.steps(), run.tokens(), run.finalLossNats(), run.headWidth(),
        run.learningRate(), run.activeParameters(), run.causal(), run.bits(), run.lateShare(),
        run.limitedBy(), recall, run.completeness(), run.nameExactBits(), run.setting(), run.memorisation(),
        run.acquisition(), run.frozenParameters(), run.memoryParameters());
  }

  private static RunResult changed(RunResult run, double rate, Limit limit, Optional<String> setting,
      Memorisation memorisation) {
    return new RunResult(run.run(), run.corpus(), run.people(), run.exposures(), run.model(),
        run.parameters(), run.engine(), run.seeds(), run.nameLossNats(), run.valueLossNats(),
        run.storedBits(), run.totalBits(), run.capacityRatio(), run.maxCapacityRatio(), run.saturation(),
        run.tokensPerSecond(), run.seconds(), run.storedBitsStandardError(), run.nameLossStandardError(),
        run.valueLossStandardError(), run.steps(), run.tokens(), run.finalLossNats(), run.headWidth(), rate,
        run.activeParameters(), run.causal(), run.bits(), run.lateShare(), limit, run.recall(),
        run.completeness(), run.nameExactBits(), setting, memorisation, run.acquisition(),
        run.frozenParameters(), run.memoryParameters());
  }
}
