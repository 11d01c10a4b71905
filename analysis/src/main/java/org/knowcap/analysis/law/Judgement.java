package org.knowcap.analysis.law;

import java.util.Locale;
import java.util.Set;
import org.knowcap.analysis.results.Limit;
import org.knowcap.analysis.units.Units;

/**
 * A claim that a program can decide.
 *
 * @param quantity that is claimed something of
 * @param direction of the claim
 * @param published the paper's figure
 * @param margin factor above 1 by which less than the published figure is still what the law claims
 * @param accepted what may limit the runs of the arms; where another thing does, there is no verdict
 */
public record Judgement(Quantity quantity, Direction direction, double published, double margin,
    Set<Limit> accepted) {
  /** Which values agree with a claim. */
  public enum Direction {
    /** The published figure over the margin, and all above. */
    AT_LEAST,
    /** The published figure times the margin, and all below. */
    AT_MOST,
    /** What differs from the published figure by the margin or less. */
    ABOUT;

    /** As law files have it: such as "at_least". */
    public String key() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** @throws IllegalArgumentException if a number is out of its range, or nothing may limit the runs */
  public Judgement {
    if (!(published > 0) || Double.isInfinite(published)) {
      throw new IllegalArgumentException("the paper's figure must be above 0, found " + published);
    }
    if (!(margin >= 1) || Double.isInfinite(margin) || direction == Direction.ABOUT && margin == 1) {
      throw new IllegalArgumentException("margin is a factor and must be "
          + (direction == Direction.ABOUT ? "above 1" : "at least 1") + ", found " + margin);
    }
    accepted = Set.copyOf(accepted);
    if (accepted.isEmpty()) {
      throw new IllegalArgumentException("limited_by must name at least one limit");
    }
  }

  /** Least value that agrees; minus infinity where there is none. */
  public double low() {
    return direction == Direction.AT_MOST ? Double.NEGATIVE_INFINITY : published / margin;
  }

  /** Greatest value that agrees; infinity where there is none. */
  public double high() {
    return direction == Direction.AT_LEAST ? Double.POSITIVE_INFINITY : published * margin;
  }

  /** Which values agree, for people: such as "at least 10". */
  public String agrees() {
    return switch (direction) {
      case AT_LEAST -> "at least " + Units.number(low(), 3);
      case AT_MOST -> "at most " + Units.number(high(), 3);
      case ABOUT -> "from " + Units.number(low(), 3) + " to " + Units.number(high(), 3);
    };
  }

  /** For people: such as "at least 10 (paper: 20)". */
  public String claimed() {
    return agrees() + " (paper: " + Units.number(published, 3) + ")";
  }
}
