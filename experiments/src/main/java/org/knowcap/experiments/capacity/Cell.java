package org.knowcap.experiments.capacity;

/**
 * A run of the search.
 *
 * @param people N
 * @param learningRate at its peak
 * @param seed of corpus, weights and order
 */
public record Cell(long people, double learningRate, long seed) {}
