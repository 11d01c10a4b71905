package org.knowcap.experiments.laws;

import java.util.List;
import java.util.Optional;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.quantisation.Quantiser;
import tools.jackson.databind.node.ObjectNode;

/**
 * An arm of a law: one setting, trained with several learning rates and seeds.
 *
 * @param name of the arm in its law
 * @param keys of a study in which it differs from its size's
 * @param any one of its runs: the others differ in learning rate and seeds alone
 * @param learningRates to choose from, ascending
 * @param chooser arm whose choice of a learning rate this one takes, in place of one of its own
 * @param quantiser that rounds its models after training; the arm is then of the rounded models
 */
public record LawArm(String name, ObjectNode keys, RunSpec any, List<Double> learningRates,
    Optional<LawArm> chooser, Optional<Quantiser> quantiser) {
  public LawArm {
    learningRates = learningRates.stream().sorted().toList();
  }

  /** Its run with a learning rate, and one seed for all that is drawn by chance. */
  public RunSpec run(double learningRate, long seed) {
    return new RunSpec(any.corpusSpec(), any.model(), any.exposures(), Seeds.all(seed),
        any.training().withLearningRate(learningRate), any.measurement(), any.engine(), "");
  }

  /** The command that rounds its models, but for the runs' folders. */
  public List<String> rounding() {
    Quantiser how = quantiser.orElseThrow();
    return List.of("quantise", "--method", how.method(), "--bits", Integer.toString(how.bits()), "--group",
        Integer.toString(how.group()));
  }
}
