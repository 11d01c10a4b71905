package org.knowcap.models.spec;

/**
 * Trainable parameters by component. For GPT2-l-h they add up to P = 12*l*d^2 + 13*l*d + 2*d + V*d.
 *
 * @param embedding token table, V * d; the tied head adds nothing
 * @param attention query, key, value and output matrices with biases
 * @param feedForward both matrices with biases
 * @param norms gains and biases of every norm
 */
public record ParameterCount(long embedding, long attention, long feedForward, long norms) {
  public long total() {
    return embedding + attention + feedForward + norms;
  }
}
