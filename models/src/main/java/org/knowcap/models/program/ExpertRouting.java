package org.knowcap.models.program;

import org.knowcap.models.architecture.Experts;

/**
 * How the tokens of each window are divided among experts.
 *
 * @param windows windows in the batch
 * @param length tokens of a window, T
 * @param experts E
 * @param topK number of experts that a token asks for
 * @param capacity slots of an expert in a window, C, at most T
 * @param balance weight of the load-balancing loss
 * @param zLoss weight of the z-loss
 */
public record ExpertRouting(int windows, int length, int experts, Experts.Choice choice, int topK,
    int capacity, double balance, double zLoss) {
  /** S, the largest possible number of (token, expert) pairs in a batch. */
  public int slots() {
    return windows * switch (choice) {
      case TOKENS -> Math.min(topK * length, experts * capacity);
      case EXPERTS -> experts * capacity;
    };
  }

  /** The largest number of experts at which one token can have a slot. */
  public int slotsPerToken() {
    return switch (choice) {
      case TOKENS -> topK;
      case EXPERTS -> experts;
    };
  }
}
