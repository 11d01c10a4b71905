package org.knowcap.analysis.results;

import java.util.List;
import java.util.OptionalDouble;

/**
 * When a run began to know, and what it makes up; absent in tables of earlier versions.
 *
 * @param unseenValueLossNats p2 of people whom training does not show, nats; absent where there are no such people, and for mixtures
 *        whose other texts are longer
 * @param plateauSteps steps until the values of people whom training shows cost less than guessing; absent where the run was not
 *        measured along training, or where that never happens
 * @param plateauExposures the exposures of each person by then
 */
public record Acquisition(OptionalDouble unseenValueLossNats, OptionalDouble plateauSteps,
    OptionalDouble plateauExposures) {
  /** Values that cost this part of a uniform guess are no longer guessed. */
  public static final double KNOWN = 0.95;
  public static final Acquisition UNKNOWN = new Acquisition(OptionalDouble.empty(), OptionalDouble.empty(),
      OptionalDouble.empty());

  public Acquisition {
    unseenValueLossNats.ifPresent(loss -> RunResult.atLeastZero("unseen_value_loss_nats", loss));
    plateauSteps.ifPresent(steps -> RunResult.aboveZero("plateau_steps", steps));
    plateauExposures.ifPresent(exposures -> RunResult.aboveZero("plateau_exposures", exposures));
  }

  /**
   * A step at which a run was measured.
   *
   * @param valueLossNats p2 of people whom training shows
   */
  public record Point(long step, double valueLossNats) {}

  /**
   * The length of the plateau: the step from which on p2 stays below 95 % of the loss of a uniform guess, in a straight line over the
   * logarithm of the step between the last measurement before it and the first after it. If the first measurement is below already, it
   * is that step.
   *
   * @param points in the order of their steps
   * @param uniformNats loss of a uniform guess
   * @return absent where the last measurement is not below
   */
  public static OptionalDouble plateau(List<Point> points, double uniformNats) {
    double threshold = KNOWN * uniformNats;
    if (points.isEmpty() || !(uniformNats > 0) || points.getLast().valueLossNats >= threshold) {
      return OptionalDouble.empty();
    }
    int after = points.size() - 1;
    while (after > 0 && points.get(after - 1).valueLossNats < threshold) {
      after--;
    }
    Point below = points.get(after);
    if (after == 0) {
      return OptionalDouble.of(below.step);
    }
    Point above = points.get(after - 1);
    double part = (above.valueLossNats - threshold) / (above.valueLossNats - below.valueLossNats);
    return OptionalDouble
        .of(Math.exp(Math.log(above.step) + part * Math.log((double) below.step / above.step)));
  }
}
