package org.knowcap.analysis.law;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * A judgement with what the runs say of it.
 *
 * @param judgement what was claimed
 * @param quantity of what, with the arm that was chosen where there were several
 * @param figure the estimate with its 95 % interval; absent where nothing was run, or an arm of a factor stores no bits
 * @param sourceTold the figure if the arms are credited with what guessing the source of a mixture's text costs; absent where
 *        it costs nothing
 * @param seeds or pairs of equal seeds
 * @param supportP p of the test that the claim holds, by Holm's method over the law's judgements; absent without a test
 * @param contradictionP the same that it does not hold
 * @param verdict what follows
 */
public record Judged(Judgement judgement, String quantity, Optional<Estimate> figure,
    Optional<Estimate> sourceTold, int seeds, OptionalDouble supportP, OptionalDouble contradictionP,
    Verdict verdict) {
  /**
   * The judgement by two counts of the stored bits.
   *
   * @param told this judgement on arms that are credited with what guessing the source costs
   * @return decided where both are, alike; with this one's figure and p
   */
  Judged withSourceTold(Judged told) {
    Verdict both = verdict.word().equals(told.verdict.word())
        ? verdict
        : new Verdict.Undecided(
            Stream
                .concat(
                    Stream.of(verdict, told.verdict)
                        .filter(Verdict.Undecided.class::isInstance)
                        .flatMap(each -> ((Verdict.Undecided) each).doubts().stream()),
                    Stream.of(Doubt.SOURCE_COST))
                .distinct()
                .toList());
    return new Judged(judgement, quantity, figure,
        told.figure.filter(credited -> !figure.equals(Optional.of(credited))), seeds, supportP,
        contradictionP, both);
  }
}
