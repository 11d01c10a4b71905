package org.knowcap.models.training;

/**
 * What one step trains on.
 *
 * @param tokens [R], R = windows * length
 * @param targets [R], the token after each
 * @param after the position of the source after this batch, which checkpoints keep; only the source can read it
 */
public record Batch(int[] tokens, int[] targets, long[] after) {}
