package org.knowcap.analysis.law;

/**
 * What a law of the paper says.
 *
 * @param number from 1 on
 * @param title of a few words
 * @param claim one sentence
 * @param source figure of the paper
 * @param judgements into which the claim is divided, in all sizes together
 */
public record LawClaim(int number, String title, String claim, String source, int judgements) {}
