package org.knowcap.analysis.capacity;

import java.util.OptionalDouble;

/**
 * How often a model is right: each figure is the share, from 0 to 1, of the people for whom all values are right. It
 * is NaN where it was not measured.
 *
 * <p>A standard error is the binomial one, with a person as a trial. It treats the measured people as a sample of
 * endlessly many. So it covers both the choice of the people and the choice of their texts, even if all people are
 * measured.
 *
 * @param recalled each token of each value is the most likely one after the true words of a text
 * @param recalledUnseen {@code recalled} among people whom training did not show: chance
 * @param generated each value is in the text that the model writes when it is given only the name
 * @param generatedUnseen {@code generated} among people whom training did not show: chance
 * @param extractable each question is answered, among the people about whom training asked nothing
 * @param extractableAsked each question is answered, among the people whose questions were in training
 * @param extractableUnseen each question is answered, among people whom training did not show: chance
 * @param recalledStandardError of {@code recalled}; absent in tables of earlier versions
 * @param generatedStandardError of {@code generated}
 * @param extractableStandardError of {@code extractable}
 */
public record RecallShares(double recalled, double recalledUnseen, double generated, double generatedUnseen,
    double extractable, double extractableAsked, double extractableUnseen,
    OptionalDouble recalledStandardError, OptionalDouble generatedStandardError,
    OptionalDouble extractableStandardError) {
  /** The shares of a run that was measured by a version without recall. */
  public static final RecallShares NONE = new RecallShares(Double.NaN, Double.NaN, Double.NaN, Double.NaN,
      Double.NaN, Double.NaN, Double.NaN, OptionalDouble.empty(), OptionalDouble.empty(),
      OptionalDouble.empty());

  public RecallShares {
    share("recalled", recalled);
    share("recalled_unseen", recalledUnseen);
    share("generated", generated);
    share("generated_unseen", generatedUnseen);
    share("extractable", extractable);
    share("extractable_asked", extractableAsked);
    share("extractable_unseen", extractableUnseen);
    recalledStandardError.ifPresent(error -> error("recalled_standard_error", error));
    generatedStandardError.ifPresent(error -> error("generated_standard_error", error));
    extractableStandardError.ifPresent(error -> error("extractable_standard_error", error));
  }

  private static void error(String name, double error) {
    if (!(error >= 0 && error <= 1)) {
      throw new IllegalArgumentException(name + " is " + error + "; it must be a number from 0 to 1");
    }
  }

  private static void share(String name, double share) {
    if (share < 0 || share > 1) {
      throw new IllegalArgumentException(name + " is " + share + "; it must be a share from 0 to 1");
    }
  }
}
