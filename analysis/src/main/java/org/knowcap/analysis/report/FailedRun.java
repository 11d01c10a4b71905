package org.knowcap.analysis.report;

/**
 * A run of the study that has no result.
 *
 * @param run name of the run
 * @param reason in words, as the run gave it
 */
public record FailedRun(String run, String reason) {}
