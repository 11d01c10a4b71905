package org.knowcap.analysis.law;

import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A judgement with what the runs say of it.
 *
 * @param judgement what was claimed
 * @param quantity of what, with the arm that was chosen where there were several
 * @param figure the estimate with its 95 % interval; absent where nothing was run, or an arm of a factor stores no bits
 * @param seeds or pairs of equal seeds
 * @param supportP p of the test that the claim holds, by Holm's method over the law's judgements; absent without a test
 * @param contradictionP the same that it does not hold
 * @param verdict what follows
 */
public record Judged(Judgement judgement, String quantity, Optional<Estimate> figure, int seeds,
    OptionalDouble supportP, OptionalDouble contradictionP, Verdict verdict) {}
