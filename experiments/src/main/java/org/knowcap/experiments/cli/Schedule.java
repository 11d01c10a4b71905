package org.knowcap.experiments.cli;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.DoubleStream;

/** When runs end that share some cores. */
final class Schedule {
  private Schedule() {}

  /**
   * When the last run ends, the costliest begun first, each on the core that is free first; 0 without runs.
   *
   * @param costs of the runs, in any unit
   * @param together runs at a time
   */
  static double end(DoubleStream costs, int together) {
    double[] busy = new double[together];
    costs.boxed().sorted(Comparator.reverseOrder()).forEachOrdered(run -> {
      Arrays.sort(busy);
      busy[0] += run;
    });
    return Arrays.stream(busy).max().orElse(0);
  }
}
