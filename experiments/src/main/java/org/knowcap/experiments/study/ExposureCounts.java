package org.knowcap.experiments.study;

/**
 * How often each person occurred in training, by both conventions.
 *
 * @param exposures a person's tokens in training, divided by the mean tokens of a biography; windows may cut
 *        biographies
 * @param completeExposures      biographies of a person that lie in one window, as the paper counts
 * @param valueTokensBehindName the share of value tokens that were trained with the whole name before them in the
 *        window
 */
public record ExposureCounts(double exposures, double completeExposures, double valueTokensBehindName) {}
