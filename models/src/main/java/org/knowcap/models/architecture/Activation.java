package org.knowcap.models.architecture;

/** The activation of a feed-forward. GELU and SiLU are x * sigmoid(w), where w = x (a + b x^2). */
public enum Activation {
  /** GPT-2's tanh form of GELU: tanh(u) = 2 sigmoid(2u) - 1, and 2u = 2 sqrt(2/pi) (x + 0.044715 x^3). */
  GELU(2 * Math.sqrt(2 / Math.PI), 0.044715 * 2 * Math.sqrt(2 / Math.PI)),
  /** SiLU, also called swish: x * sigmoid(x). */
  SILU(1, 0),
  /** ReLU^2 (So et al., arXiv 2109.08668): the square of x where x is above 0, otherwise 0. */
  RELU2(Double.NaN, Double.NaN);

  private final double linear;
  private final double cubic;

  Activation(double linear, double cubic) {
    this.linear = linear;
    this.cubic = cubic;
  }

  /** a, the factor of x in w; not a number for ReLU^2. */
  public double linear() {
    return linear;
  }

  /** b, the factor of x^3 in w; not a number for ReLU^2. */
  public double cubic() {
    return cubic;
  }
}
