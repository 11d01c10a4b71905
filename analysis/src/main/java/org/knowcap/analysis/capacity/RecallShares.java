package org.knowcap.analysis.capacity;

import java.util.OptionalDouble;

/**
 * What a model says right: shares, from 0 to 1, of the people whose values are all right. NaN where it was not measured.
 *
 * <p>A standard error is the binomial one, with a person as a trial. It takes those who are asked for a sample of endlessly
 * many people, so that it covers both the choice of the people and that of their texts, also where all people are asked.
 *
 * @param recalled each value's tokens are the most likely ones behind the true words of a text
 * @param recalledUnseen of people whom training did not show: chance
 * @param generated the text that the model writes from the name alone states each value
 * @param generatedUnseen of people whom training did not show: chance
 * @param extractable each question is answered, of people about whom training asked nothing
 * @param extractableAsked of people whose questions were in training
 * @param extractableUnseen of people whom training did not show: chance
 * @param recalledStandardError of {@code recalled}; absent in tables of earlier versions
 * @param generatedStandardError of {@code generated}
 * @param extractableStandardError of {@code extractable}
 */
public record RecallShares(double recalled, double recalledUnseen, double generated, double generatedUnseen,
    double extractable, double extractableAsked, double extractableUnseen,
    OptionalDouble recalledStandardError, OptionalDouble generatedStandardError,
    OptionalDouble extractableStandardError) {
  /** Of a run that was measured before there was recall. */
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
  }

  private static void share(String name, double share) {
    if (share < 0 || share > 1) {
      throw new IllegalArgumentException(name + " is " + share + "; it must be a share from 0 to 1");
    }
  }
}
