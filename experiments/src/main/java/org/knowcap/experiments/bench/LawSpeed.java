package org.knowcap.experiments.bench;

/**
 * How fast laws are fitted.
 *
 * @param points in each fit
 * @param fitMilliseconds of one fit on one core
 * @param bootstrapFits number of fits for intervals
 * @param bootstrapSeconds of all of them on all cores
 * @param cores that were there
 */
public record LawSpeed(int points, double fitMilliseconds, int bootstrapFits, double bootstrapSeconds,
    int cores) {}
