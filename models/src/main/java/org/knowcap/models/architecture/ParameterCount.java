package org.knowcap.models.architecture;

/**
 * Parameters by component. For GPT2-l-h they add up to P = 12*l*d^2 + 13*l*d + 2*d + V*d.
 *
 * @param embedding token table, V * d
 * @param positions table of learned positions, positions * d; 0 for other kinds of positions
 * @param attention query, key, value and output matrices with their biases; in blocks with a recurrence also the
 *        matrices of its gates
 * @param feedForward its matrices with their biases
 * @param router matrices that send tokens to experts
 * @param norms gains and biases of every norm
 * @param head the matrix of the last matmul, V * d; 0 if the head is tied to the embedding
 * @param idle the part of {@code feedForward} and {@code memory} that does not take part in a token's computation: the
 *        experts that it is not sent to, and the rows that it does not look up
 * @param memory tables of a memory of n-grams
 * @param reading matrices, with their biases, that make keys and values of what is looked up there
 * @param adapters matrices of adapters; where there are any, all other components are frozen
 */
public record ParameterCount(long embedding, long positions, long attention, long feedForward, long router,
    long norms, long head, long idle, long memory, long reading, long adapters) {
  /** P, the parameters that are trained. */
  public long total() {
    return adapters > 0 ? adapters : ofModel();
  }

  /** Number of parameters that are not trained: all but the adapters, if there are any. */
  public long frozen() {
    return adapters > 0 ? ofModel() : 0;
  }

  /** Number of those of P that lie in tables, of which a token looks up some rows. */
  public long inMemory() {
    return adapters > 0 ? 0 : memory;
  }

  /** Number of all parameters, trained and frozen. */
  public long stored() {
    return ofModel() + adapters;
  }

  private long ofModel() {
    return embedding + positions + attention + feedForward + router + norms + head + memory + reading;
  }

  /** Number of those of P that take part in one token's computation. */
  public long active() {
    return total() - idle;
  }
}
