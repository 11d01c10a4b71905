package org.knowcap.models.architecture;

/**
 * Trainable parameters by component. For GPT2-l-h they add up to P = 12*l*d^2 + 13*l*d + 2*d + V*d.
 *
 * @param embedding token table, V * d
 * @param positions table of learned positions, places * d; other positions have none
 * @param attention query, key, value and output matrices with their biases
 * @param feedForward its matrices with their biases
 * @param router matrices that send tokens to experts
 * @param norms gains and biases of every norm
 * @param head the matrix of the last product, V * d; a head tied to the embedding has none
 * @param idle those of {@code feedForward} that a token does not meet: the experts it is not sent to
 */
public record ParameterCount(long embedding, long positions, long attention, long feedForward, long router,
    long norms, long head, long idle) {
  /** P. */
  public long total() {
    return embedding + positions + attention + feedForward + router + norms + head;
  }

  /** What takes part in one token's computation. */
  public long active() {
    return total() - idle;
  }
}
