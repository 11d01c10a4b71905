package org.knowcap.models.program;

import java.util.List;
import java.util.stream.IntStream;

/**
 * How Muon makes a matrix orthogonal: it divides the matrix by its Frobenius norm, and then applies odd quintic
 * polynomials to it, which act on its singular values and leave its singular vectors as they are. From U S V^T they
 * come near to U V^T.
 */
public enum Orthogonaliser {
  /**
   * One quintic for all steps (Jordan et al. 2024, kellerjordan.github.io/posts/muon). It lifts small singular values as
   * fast as it can, so large ones end between 0.68 and 1.13, not at 1.
   */
  NEWTON_SCHULZ(1, List.of(new Quintic(3.4445, -4.7750, 2.0315))),
  /**
   * A quintic for each step, which is the best one for what the steps before it leave of singular values from 0.001 to
   * 1 (Amsel et al., arXiv 2505.16932, implementation 1). The paper's safety factor of 1.01 is in the norm and in all
   * polynomials but the last.
   */
  POLAR_EXPRESS(1.01, List.of(safe(8.28721201814563, -23.595886519098837, 17.300387312530933),
      safe(4.107059111542203, -2.9478499167379106, 0.5448431082926601),
      safe(3.9486908534822946, -2.908902115962949, 0.5518191394370137),
      safe(3.3184196573706015, -2.488488024314874, 0.51004894012372),
      safe(2.300652019954817, -1.6689039845747493, 0.4188073119525673),
      safe(1.891301407787398, -1.2679958271945868, 0.37680408948524835),
      safe(1.8750014808534479, -1.2500016453999487, 0.3750001645474248), new Quintic(1.875, -1.25, 0.375)));

  /** The least that a matrix is divided by, so that zeros stay zeros. */
  public static final double LEAST_NORM = 1e-7;

  private final double safety;
  private final List<Quintic> quintics;

  Orthogonaliser(double safety, List<Quintic> quintics) {
    this.safety = safety;
    this.quintics = quintics;
  }

  /** X = a X + b (X X^T) X + c (X X^T)^2 X, which makes of each singular value s the value a s + b s^3 + c s^5. */
  public record Quintic(double a, double b, double c) {
    /** What becomes of a singular value. */
    public double of(double s) {
      return s * (a + s * s * (b + s * s * c));
    }
  }

  private static Quintic safe(double a, double b, double c) {
    return new Quintic(a / 1.01, b / Math.pow(1.01, 3), c / Math.pow(1.01, 5));
  }

  /** The polynomials of so many steps, in order; behind the last one that is known it is repeated. */
  public List<Quintic> quintics(int steps) {
    return IntStream.range(0, steps)
        .mapToObj(step -> quintics.get(Math.min(step, quintics.size() - 1)))
        .toList();
  }

  /** The factor of the norm in {@link #divisor}, at least 1. */
  public double safety() {
    return safety;
  }

  /**
   * What a matrix is divided by first.
   *
   * @param norm its Frobenius norm
   */
  public double divisor(double norm) {
    return Math.max(norm * safety, LEAST_NORM);
  }
}
