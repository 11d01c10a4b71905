package org.knowcap.models.architecture;

import java.util.Optional;

/**
 * A mixture of experts in a feed-forward's place: each expert is such a feed-forward, and of each token few are computed.
 * A router, a matrix [d, E] without a bias, gives every expert a probability for every token (a softmax over experts). Who
 * takes part is settled within each window by itself, so that it depends neither on the rest of the batch nor on how an
 * engine shares a batch out.
 *
 * @param count experts E, at least 1
 * @param choice who chooses whom
 * @param topK experts a token asks for, 1 to E; 1 where experts choose
 * @param capacityFactor in training, above 0; absent where no token is turned away, see {@link #capacity}
 * @param testCapacityFactor the same where the model is only scored
 * @param every which blocks have experts: every so many-th, the others have the one feed-forward
 * @param shared feed-forwards that every token goes through besides its experts (DeepSeekMoE, arXiv 2401.06066), at least 0
 * @param balance weight of the load-balancing loss, at least 0
 * @param zLoss weight of the router's z-loss, at least 0
 */
public record Experts(int count, Choice choice, int topK, Optional<Double> capacityFactor,
    Optional<Double> testCapacityFactor, int every, int shared, double balance, double zLoss) {
  /** Who chooses whom. */
  public enum Choice {
    /** Each token asks for its likeliest experts and gets those that have a place left; tokens come in order. */
    TOKENS,
    /**
     * Each expert takes the tokens of the window that it is likeliest for (Zhou et al., arXiv 2202.09368). Not causal:
     * whether it takes one depends on those that come later.
     */
    EXPERTS
  }

  public Experts {
    require(count >= 1, "experts must be at least 1", count);
    require(topK >= 1 && topK <= count,
        "experts of a token (top_k) must be from 1 to the " + count + " experts there are", topK);
    require(choice == Choice.TOKENS || topK == 1,
        "top_k must be 1 where experts choose: how many take a token follows from the capacity factor", topK);
    require(above(capacityFactor), "the capacity factor must be above 0", capacityFactor);
    require(above(testCapacityFactor), "the capacity factor at test must be above 0", testCapacityFactor);
    require(every >= 1, "blocks with experts must be every 1st, 2nd or so", every);
    require(shared >= 0, "shared experts must be at least 0", shared);
    require(balance >= 0 && balance < Double.POSITIVE_INFINITY,
        "the weight of the load-balancing loss must be at least 0", balance);
    require(choice == Choice.TOKENS || balance == 0,
        "the weight of the load-balancing loss must be 0 where experts choose: their loads are equal",
        balance);
    require(zLoss >= 0 && zLoss < Double.POSITIVE_INFINITY, "the weight of the z-loss must be at least 0",
        zLoss);
  }

  private static boolean above(Optional<Double> factor) {
    return factor.isEmpty() || factor.get() > 0 && factor.get() < Double.POSITIVE_INFINITY;
  }

  private static void require(boolean holds, String rule, Object found) {
    if (!holds) {
      throw new IllegalArgumentException(
          rule + ", found " + (found instanceof Optional<?> factor ? factor.orElseThrow() : found));
    }
  }

  /**
   * A token asks for so many of so many experts, with the paper's capacity factors (2 in training, 8 at test) and the
   * weight that GShard and Switch give the load-balancing loss; the paper does not say its own.
   */
  public static Experts of(int count, int topK) {
    return new Experts(count, Choice.TOKENS, topK, Optional.of(2.0), Optional.of(8.0), 1, 0, 0.01, 0);
  }

  public Experts withCount(int other) {
    return new Experts(other, choice, topK, capacityFactor, testCapacityFactor, every, shared, balance,
        zLoss);
  }

  public Experts withTopK(int other) {
    return new Experts(count, choice, other, capacityFactor, testCapacityFactor, every, shared, balance,
        zLoss);
  }

  /** Other capacities; absent where no token is turned away. */
  public Experts withCapacity(Optional<Double> training, Optional<Double> test) {
    return new Experts(count, choice, topK, training, test, every, shared, balance, zLoss);
  }

  public Experts withEvery(int other) {
    return new Experts(count, choice, topK, capacityFactor, testCapacityFactor, other, shared, balance,
        zLoss);
  }

  /** Experts choose: as many of them take a token, on average, as the capacity factor says, at test as in training. */
  public Experts choosing() {
    return new Experts(count, Choice.EXPERTS, 1, capacityFactor, capacityFactor, every, shared, 0, zLoss);
  }

  /** Whether a token's loss depends on no later token. */
  public boolean causal() {
    return choice == Choice.TOKENS;
  }

  /**
   * Capacity C, the slots that an expert has in a window: topK * floor(factor * ceil(T / E)), as Tutel counts them, but at least
   * {@code topK} and at most T, which is enough for all.
   *
   * @param length tokens of a window, T
   * @param scores whether the model is only scored
   */
  public int capacity(int length, boolean scores) {
    Optional<Double> factor = scores ? testCapacityFactor : capacityFactor;
    double share = Math.max(1,
        Math.floor(factor.orElse(Double.POSITIVE_INFINITY) * Math.ceilDiv(length, count)));
    return (int) Math.min(length, topK * share);
  }

  /** Experts that compute a token, the shared ones not counted: where experts choose a mean. */
  double active() {
    return switch (choice) {
      case TOKENS -> topK;
      case EXPERTS -> Math.min(count, capacityFactor.orElse((double) count));
    };
  }
}
