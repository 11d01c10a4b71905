package org.knowcap.analysis.results;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** The length of the plateau. */
class AcquisitionTest {
  private static OptionalDouble plateau(double uniform, double... losses) {
    List<Acquisition.Point> points = new ArrayList<>();
    for (int i = 0; i < losses.length; i++) {
      points.add(new Acquisition.Point(1L << i, losses[i]));
    }
    return Acquisition.plateau(points, uniform);
  }

  @Test
  void endsWhereValuesCostLessThanGuessing() {
    // From 10 at step 4 to 9 at step 8: 9.5 is half-way on a logarithmic axis.
    assertEquals(Math.sqrt(4 * 8), plateau(10, 30, 12, 10, 9, 3).orElseThrow(), 1e-9);
    // A dip before the plateau is none of its ends.
    assertEquals(Math.sqrt(8 * 16), plateau(10, 30, 9, 10, 10, 9, 1).orElseThrow(), 1e-9);
    assertEquals(1, plateau(10, 9, 8).orElseThrow());
    assertEquals(OptionalDouble.empty(), plateau(10, 12, 10, 9.6));
    assertEquals(OptionalDouble.empty(), plateau(10, 12, 9, 9.6));
    assertEquals(OptionalDouble.empty(), plateau(10));
    // Where there is nothing to know, nothing begins.
    assertEquals(OptionalDouble.empty(), plateau(0, 1, 0));
  }
}
