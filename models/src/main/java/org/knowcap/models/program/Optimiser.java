package org.knowcap.models.program;

import java.util.List;

/**
 * How gradients change parameters. The update is part of the program: it works on the flat buffers. In all of them g is
 * the gradient, lr the learning rate, t the step from 1, and weight decay is decoupled: p = p - lr weightDecay p comes
 * first, for decaying parameters alone (matrices, not biases or norms).
 */
public sealed interface Optimiser {
  /** A state buffer, flat as the parameters are: a running mean or sum of gradients. */
  String FIRST_MOMENT = "first_moment";

  /** A running mean of squared gradients. */
  String SECOND_MOMENT = "second_moment";

  /** At least 0. */
  double weightDecay();

  /** The state buffers it keeps, in order. */
  default List<String> state() {
    return List.of(FIRST_MOMENT);
  }

  /**
   * AdamW (Loshchilov and Hutter, arXiv 1711.05101):
   *
   * <pre>
   * m = beta1 m + (1 - beta1) g
   * v = beta2 v + (1 - beta2) g^2
   * p = p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
   * </pre>
   *
   * @param beta1 decay of the first moment, in [0, 1)
   * @param beta2 decay of the second moment, in [0, 1)
   * @param epsilon added to the root, above 0
   */
  record AdamW(double beta1, double beta2, double epsilon, double weightDecay) implements Optimiser {
    public AdamW {
      requireShare("beta1", beta1);
      requireShare("beta2", beta2);
      require(epsilon > 0 && epsilon < 1, "epsilon must be above 0 and below 1", epsilon);
      requireDecay(weightDecay);
    }

    @Override
    public List<String> state() {
      return List.of(FIRST_MOMENT, SECOND_MOMENT);
    }
  }

  /**
   * Lion (Chen et al., arXiv 2302.06675), which wants a learning rate three to ten times below AdamW's:
   *
   * <pre>
   * p = p - lr sign(beta1 m + (1 - beta1) g)
   * m = beta2 m + (1 - beta2) g
   * </pre>
   *
   * @param beta1 share of the moment in a step, in [0, 1)
   * @param beta2 decay of the moment, in [0, 1)
   */
  record Lion(double beta1, double beta2, double weightDecay) implements Optimiser {
    public Lion {
      requireShare("beta1", beta1);
      requireShare("beta2", beta2);
      requireDecay(weightDecay);
    }
  }

  /**
   * Tiger (Su 2023, github.com/bojone/tiger): Lion with one beta for both, without Tiger's scaling of the rate by a
   * parameter's size:
   *
   * <pre>
   * m = beta m + (1 - beta) g
   * p = p - lr sign(m)
   * </pre>
   *
   * @param beta decay of the moment, in [0, 1)
   */
  record Tiger(double beta, double weightDecay) implements Optimiser {
    public Tiger {
      requireShare("beta1", beta);
      requireDecay(weightDecay);
    }
  }

  /**
   * Gradient descent with momentum (Polyak 1964, as PyTorch's SGD without dampening):
   *
   * <pre>
   * m = momentum m + g
   * p = p - lr m
   * </pre>
   *
   * @param momentum in [0, 1)
   */
  record Sgd(double momentum, double weightDecay) implements Optimiser {
    public Sgd {
      requireShare("momentum", momentum);
      requireDecay(weightDecay);
    }
  }

  private static void requireShare(String name, double found) {
    require(found >= 0 && found < 1, name + " must be at least 0 and below 1", found);
  }

  private static void requireDecay(double found) {
    require(found >= 0 && found < 1_000, "weight_decay must be at least 0", found);
  }

  private static void require(boolean holds, String rule, double found) {
    if (!holds) {
      throw new IllegalArgumentException(rule + ", found " + found);
    }
  }
}
