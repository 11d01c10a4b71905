package org.knowcap.models.program;

/** How gradients change parameters. The update is part of the program: it works on the flat buffers. */
public sealed interface Optimiser {
  /**
   * AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101). With gradient g, step t from 1 and
   * learning rate lr:
   *
   * <pre>
   * m = beta1 m + (1 - beta1) g
   * v = beta2 v + (1 - beta2) g^2
   * p = p - lr weightDecay p          (decaying parameters: matrices, not biases or norms)
   * p = p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
   * </pre>
   *
   * @param beta1 decay of the first moment, in [0, 1)
   * @param beta2 decay of the second moment, in [0, 1)
   * @param epsilon added to the root, above 0
   * @param weightDecay at least 0
   */
  record AdamW(double beta1, double beta2, double epsilon, double weightDecay) implements Optimiser {
    /** State buffers, flat as the parameters are. */
    public static final String FIRST_MOMENT = "first_moment";

    public static final String SECOND_MOMENT = "second_moment";

    public AdamW {
      require(beta1 >= 0 && beta1 < 1, "beta1 must be at least 0 and below 1", beta1);
      require(beta2 >= 0 && beta2 < 1, "beta2 must be at least 0 and below 1", beta2);
      require(epsilon > 0 && epsilon < 1, "epsilon must be above 0 and below 1", epsilon);
      require(weightDecay >= 0 && weightDecay < 1_000, "weight_decay must be at least 0", weightDecay);
    }

    private static void require(boolean holds, String rule, double found) {
      if (!holds) {
        throw new IllegalArgumentException(rule + ", found " + found);
      }
    }
  }
}
