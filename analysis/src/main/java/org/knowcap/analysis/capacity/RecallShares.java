package org.knowcap.analysis.capacity;

/**
 * What a model says right: shares, from 0 to 1, of the people whose values are all right. NaN where it was not measured.
 *
 * @param recalled each value's tokens are the most likely ones behind the true words of a text
 * @param recalledUnseen of people whom training did not show: chance
 * @param generated the text that the model writes from the name alone states each value
 * @param generatedUnseen of people whom training did not show: chance
 * @param extractable each question is answered, of people about whom training asked nothing
 * @param extractableAsked of people whose questions were in training
 * @param extractableUnseen of people whom training did not show: chance
 */
public record RecallShares(double recalled, double recalledUnseen, double generated, double generatedUnseen,
    double extractable, double extractableAsked, double extractableUnseen) {
  /** Of a run that was measured before there was recall. */
  public static final RecallShares NONE = new RecallShares(Double.NaN, Double.NaN, Double.NaN, Double.NaN,
      Double.NaN, Double.NaN, Double.NaN);

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
