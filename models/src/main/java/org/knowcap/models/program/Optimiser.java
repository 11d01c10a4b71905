package org.knowcap.models.program;

import java.util.List;

/**
 * How gradients change parameters. The update is part of the program: it works on the flat buffers. In all of them g is
 * the gradient, lr the learning rate, t the step from 1; weight decay, see {@link UpdateRule}, comes first.
 */
public sealed interface Optimiser {
  /** Weight decay of matrices; at least 0. */
  double weightDecay();

  /**
   * Whether a step does not depend on the size of the gradient, however small, so that a gradient of rounding errors
   * alone makes a full step. AdamW's epsilon stops such steps; Muon steps vectors as AdamW does.
   */
  default boolean forgetsSize() {
    return switch (this) {
      case Adafactor _,Lion _,Tiger _ -> true;
      case AdamW _,Sgd _,Muon _ -> false;
    };
  }

  /** The state buffers of the optimiser, in order. */
  default List<StateBuffer> state() {
    return List.of(StateBuffer.FIRST_MOMENT);
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
    public List<StateBuffer> state() {
      return List.of(StateBuffer.FIRST_MOMENT, StateBuffer.SECOND_MOMENT);
    }
  }

  /**
   * Lion (Chen et al., arXiv 2302.06675), which needs a learning rate that is three to ten times smaller than AdamW's:
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

  /**
   * Adafactor (Shazeer and Stern, arXiv 1804.04235, algorithms 4 and 5) without a first moment, and with the paper's
   * constants: b = 1 - t^-0.8, e1 = 1e-30, e2 = 1e-3. For a parameter p [n, m], with means over rows and columns:
   *
   * <pre>
   * R_i = b R_i + (1 - b) (mean over j of g_ij^2 + e1)
   * C_j = b C_j + (1 - b) (mean over i of g_ij^2 + e1)
   * u_ij = g_ij / sqrt(R_i C_j / mean of R)
   * p = p - lr u / max(1, rms(u) / clipThreshold)
   * </pre>
   *
   * and with relative steps lr max(e2, rms(p)) for lr in the last line, where p is the value before weight decay. A
   * vector is one row; its second moment is stored itself, not factored.
   *
   * @param clipThreshold largest rms of a parameter's change, in units of its rate; the paper's is 1
   * @param relativeStep whether the rate is a share of the parameter's own size
   */
  record Adafactor(double clipThreshold, boolean relativeStep, double weightDecay) implements Optimiser {
    /** The exponent in b = 1 - t^-0.8. */
    public static final double DECAY_EXPONENT = 0.8;
    /** e1, added to squares. */
    public static final double LEAST_SQUARE = 1e-30;
    /** e2, the least size that a parameter counts as. */
    public static final double LEAST_SIZE = 1e-3;

    public Adafactor {
      require(clipThreshold > 0 && clipThreshold < 1e6, "clip_threshold must be above 0", clipThreshold);
      requireDecay(weightDecay);
    }

    @Override
    public List<StateBuffer> state() {
      return List.of(StateBuffer.ROW_MOMENT, StateBuffer.COLUMN_MOMENT);
    }

    /** b of a step, counted from 1. */
    public double decay(long step) {
      return 1 - Math.pow(step, -DECAY_EXPONENT);
    }

    /**
     * The factor that multiplies u.
     *
     * @param squares sum of u^2
     * @param parameterSquares sum of p^2; used only with relative steps
     * @param size n m
     */
    public double rate(double learningRate, double squares, double parameterSquares, long size) {
      double relative = relativeStep ? Math.max(LEAST_SIZE, Math.sqrt(parameterSquares / size)) : 1;
      return learningRate * relative / Math.max(1, Math.sqrt(squares / size) / clipThreshold);
    }
  }

  /**
   * Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) for the matrices of hidden layers, and AdamW with beta1,
   * beta2 and epsilon for all other parameters, at one learning rate. Of a matrix p [n, m]:
   *
   * <pre>
   * M = momentum M + (1 - momentum) g
   * X = momentum M + (1 - momentum) g with Nesterov's momentum, or M without it
   * p = p - lr scale orthogonalised(X)
   * </pre>
   *
   * where queries, keys, values, the two matrices of a gated feed-forward, and experts are matrices of their own.
   *
   * @param orthogonaliserSteps number of its polynomials, from 1 to {@value #MOST_STEPS}
   * @param momentum in [0, 1)
   * @param adjustLearningRate what {@code scale} is
   */
  record Muon(Orthogonaliser orthogonaliser, int orthogonaliserSteps, double momentum, boolean nesterov,
      AdjustLearningRate adjustLearningRate, double beta1, double beta2, double epsilon,
      double weightDecay) implements Optimiser {
    /** More steps than Polar Express has polynomials of its own bring nothing more. */
    public static final int MOST_STEPS = 20;

    /** The factor of a matrix's learning rate, in the words of PyTorch's Muon. */
    public enum AdjustLearningRate {
      /**
       * 0.2 sqrt(max(n, m)), so that a change has about the root mean square that AdamW's have, and AdamW's learning
       * rate and weight decay serve for both (Liu et al., arXiv 2502.16982).
       */
      MATCH_RMS_ADAMW,
      /** sqrt(max(1, m / n)) for n inputs and m outputs, as Jordan has it. */
      ORIGINAL
    }

    public Muon {
      require(orthogonaliserSteps >= 1 && orthogonaliserSteps <= MOST_STEPS,
          "orthogonaliser_steps must be from 1 to " + MOST_STEPS, orthogonaliserSteps);
      requireShare("momentum", momentum);
      new AdamW(beta1, beta2, epsilon, weightDecay);
    }

    /** What changes all other parameters. */
    public AdamW others() {
      return new AdamW(beta1, beta2, epsilon, weightDecay);
    }

    @Override
    public List<StateBuffer> state() {
      return others().state();
    }

    /** The polynomials of an orthogonalisation, in order. */
    public List<Orthogonaliser.Quintic> quintics() {
      return orthogonaliser.quintics(orthogonaliserSteps);
    }

    /** The factor of the learning rate of a matrix. */
    public double scale(HiddenMatrix matrix) {
      return switch (adjustLearningRate) {
        case MATCH_RMS_ADAMW -> 0.2 * Math.sqrt(Math.max(matrix.rows(), matrix.columns()));
        case ORIGINAL -> Math.sqrt(Math.max(1.0, (double) matrix.columns() / matrix.rows()));
      };
    }

    /**
     * Floating-point operations of the matmuls of an orthogonalisation. With s the smaller side and l the larger one,
     * a step takes 2 s^2 l for X X^T, 2 s^3 for its square, and 2 s^2 l for the product with X.
     */
    public long flops(HiddenMatrix matrix) {
      long side = matrix.side();
      return orthogonaliserSteps * (4 * side * matrix.size() + 2 * side * side * side);
    }

    /** Refuses a hidden layer's matrix that is a vector: to orthogonalise it is only to divide it by its length. */
    static void requireMatrices(Parameter parameter) {
      parameter.hidden().stream().filter(matrix -> matrix.side() < 2).findFirst().ifPresent(vector -> {
        throw new IllegalArgumentException(
            parameter.tensor().name() + " has a matrix of " + vector.rows() + " x " + vector.columns()
                + " numbers, a vector, which muon does not orthogonalise; use wider heads,"
                + " more experts, or another optimiser");
      });
    }
  }

  private static void requireShare(String name, double found) {
    require(found >= 0 && found < 1, name + " must be at least 0 and below 1", found);
  }

  private static void requireDecay(double found) {
    requireDecay("weight_decay", found);
  }

  /** Refuses a weight decay below 0. */
  static void requireDecay(String name, double found) {
    require(found >= 0 && found < 1_000, name + " must be at least 0", found);
  }

  private static void require(boolean holds, String rule, double found) {
    if (!holds) {
      throw new IllegalArgumentException(rule + ", found " + found);
    }
  }
}
