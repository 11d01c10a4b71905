package org.knowcap.analysis.capacity;

/**
 * What a model says right of one attribute: shares of people, as in {@link RecallShares}.
 *
 * @param attribute its key, such as "birth_date"
 */
public record AttributeRecall(String attribute, double recalled, double recalledUnseen, double generated,
    double generatedUnseen) {
  public AttributeRecall {
    RecallShares.share("recalled", recalled);
    RecallShares.share("recalled_unseen", recalledUnseen);
    RecallShares.share("generated", generated);
    RecallShares.share("generated_unseen", generatedUnseen);
  }
}
