package org.knowcap.generators.random;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.apache.commons.math3.stat.inference.ChiSquareTest;
import org.junit.jupiter.api.Test;

class CounterRandomTest {

  @Test
  void boundedNumbersAreUniformAlongEachStreamAndAcrossStreams() {
    int bound = 263;
    int draws = 200_000;
    long[] along = new long[bound];
    long[] acrossChildren = new long[bound];
    long[] acrossSeeds = new long[bound];
    CounterRandom random = new CounterRandom(5);
    for (int i = 0; i < draws; i++) {
      along[random.below(bound, i)]++;
      acrossChildren[random.child(i).below(bound, 0)]++;
      acrossSeeds[new CounterRandom(i).below(bound, 0)]++;
    }
    double[] expected = new double[bound];
    Arrays.fill(expected, (double) draws / bound);
    for (long[] counts : new long[][]{along, acrossChildren, acrossSeeds}) {
      double p = new ChiSquareTest().chiSquareTest(expected, counts);
      assertTrue(p > 1e-4 && p < 1 - 1e-4, "p " + p);
    }
  }

  @Test
  void isTheSameFunctionForEver() {
    // Computed apart, with Python's integers. Other numbers would change every corpus ever generated.
    CounterRandom random = new CounterRandom(0);
    assertEquals(5197578548964807871L, random.bits(0));
    assertEquals(-1565328861131449297L, random.child(3).bits(1L << 40));
  }

  @Test
  void aChildIsNotItsParent() {
    CounterRandom random = new CounterRandom(1);
    assertNotEquals(random.bits(0), random.child(0).bits(0));
    assertNotEquals(random.child(0).bits(1), random.child(1).bits(0));
  }
}
