package org.knowcap.models.training;

/**
 * What one step trains on.
 *
 * @param tokens [R], R = windows * length
 * @param targets [R], the token after each
 * @param after where the source stands after this batch; means something to the source alone, kept in checkpoints
 */
public record Batch(int[] tokens, int[] targets, long[] after) {}
