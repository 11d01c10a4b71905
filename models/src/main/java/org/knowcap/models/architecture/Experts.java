package org.knowcap.models.architecture;

import java.util.Optional;

/**
 * A mixture of experts in the place of a feed-forward: each expert is such a feed-forward, and each token is
 * computed by few of them. A router, a matrix [d, E] without a bias, gives every expert a probability for every
 * token (a softmax over experts). Which experts compute a token is decided within each window, so it depends neither
 * on the rest of the batch nor on how an engine divides a batch.
 *
 * @param count experts E, at least 1
 * @param choice whether tokens choose experts or experts choose tokens
 * @param topK number of experts that a token asks for, 1 to E; 1 if experts choose
 * @param capacityFactor in training, above 0; absent where no token is turned away, see {@link #capacity}
 * @param testCapacityFactor the same where the model is only scored
 * @param every which blocks have experts: 2 means every second block; the other blocks have one feed-forward
 * @param shared feed-forwards that every token goes through besides its experts (DeepSeekMoE, arXiv 2401.06066), at
 *        least 0
 * @param balance weight of the load-balancing loss, at least 0
 * @param zLoss weight of the router's z-loss, at least 0
 */
public record Experts(int count, Choice choice, int topK, Optional<Double> capacityFactor,
    Optional<Double> testCapacityFactor, int every, int shared, double balance, double zLoss) {
  /** Whether tokens choose experts or experts choose tokens. */
  public enum Choice {
    /** Each token asks for its likeliest experts, and gets those that have a free slot; tokens come in their order. */
    TOKENS,
    /**
     * Each expert takes the tokens of the window for which its probability is highest (Zhou et al., arXiv
     * 2202.09368). Such a model is not causal: whether an expert takes a token depends on later tokens.
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
   * A mixture of {@code count} experts, of which a token asks for {@code topK}. It has the paper's capacity factors
   * (2 in training, 8 in measuring), and for the load-balancing loss the weight of GShard and Switch, because the
   * paper does not give one.
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

  /** This mixture with other capacity factors; absent where no token is turned away. */
  public Experts withCapacity(Optional<Double> training, Optional<Double> test) {
    return new Experts(count, choice, topK, training, test, every, shared, balance, zLoss);
  }

  public Experts withEvery(int other) {
    return new Experts(count, choice, topK, capacityFactor, testCapacityFactor, other, shared, balance,
        zLoss);
  }

  /**
   * This mixture, but experts choose: on average as many experts take a token as the capacity factor says, both in
   * training and in measuring.
   */
  public Experts choosing() {
    return new Experts(count, Choice.EXPERTS, 1, capacityFactor, capacityFactor, every, shared, 0, zLoss);
  }

  /** Whether a token's loss depends on no later token. */
  public boolean causal() {
    return choice == Choice.TOKENS;
  }

  /**
   * Capacity C, the slots that an expert has in a window: topK * floor(factor * ceil(T / E)), as Tutel counts them,
   * but at least {@code topK} and at most T, which is enough for all.
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

  /** Number of experts that compute a token, without the shared ones; a mean where experts choose. */
  double active() {
    return switch (choice) {
      case TOKENS -> topK;
      case EXPERTS -> Math.min(count, capacityFactor.orElse((double) count));
    };
  }
}
