package org.knowcap.models.architecture;

/**
 * Trainable parameters by component. For GPT2-l-h they add up to P = 12*l*d^2 + 13*l*d + 2*d + V*d.
 *
 * @param embedding token table, V * d
 * @param positions table of learned positions, positions * d; 0 for other kinds of positions
 * @param attention query, key, value and output matrices with their biases; in blocks with a recurrence also the
 *        matrices of its gates
 * @param feedForward its matrices with their biases
 * @param router matrices that send tokens to experts
 * @param norms gains and biases of every norm
 * @param head the matrix of the last matmul, V * d; 0 if the head is tied to the embedding
 * @param idle the part of {@code feedForward} that does not take part in a token's computation: the experts that it
 *        is not sent to
 */
public record ParameterCount(long embedding, long positions, long attention, long feedForward, long router,
    long norms, long head, long idle) {
  /** P. */
  public long total() {
    return embedding + positions + attention + feedForward + router + norms + head;
  }

  /** Number of parameters that take part in one token's computation. */
  public long active() {
    return total() - idle;
  }
}
