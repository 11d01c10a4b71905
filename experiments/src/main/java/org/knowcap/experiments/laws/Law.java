package org.knowcap.experiments.laws;

import java.util.List;
import org.knowcap.analysis.law.Judgement;
import org.knowcap.analysis.law.LawClaim;

/**
 * A law in one size.
 *
 * @param claim what it says
 * @param arms that are compared, in the order of the file
 * @param judgements of these arms; judgements of arms that this size does not have are left out
 */
public record Law(LawClaim claim, List<LawArm> arms, List<Judgement> judgements) {
  /** From 1 on. */
  public int number() {
    return claim.number();
  }
}
