package org.knowcap.generators.random;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import org.apache.commons.math3.stat.inference.ChiSquareTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.knowcap.testing.TestSeed;

class KeyedPermutationTest {

  @Test
  void hitsEveryValueOnceAndCanBeUndone() {
    long seed = TestSeed.value();
    Random random = new Random(seed);
    for (int trial = 0; trial < 300; trial++) {
      // All small sizes, then random ones up to 2^17.
      int size = trial < 70 ? trial + 1 : 1 + random.nextInt(1 << random.nextInt(18));
      long key = random.nextLong();
      long member = random.nextInt(1 << 28);
      String which = "test seed " + seed + ", size " + size + ", key " + key + ", member " + member;
      KeyedPermutation permutation = new KeyedPermutation(new CounterRandom(key), size);
      BitSet seen = new BitSet(size);
      for (int i = 0; i < size; i++) {
        int value = Math.toIntExact(permutation.apply(member, i));
        assertFalse(seen.get(value), which);
        seen.set(value);
        assertEquals(i, permutation.invert(member, value), which);
      }
      assertEquals(size, seen.cardinality(), which);
    }
  }

  @Test
  void worksUpToItsLargestSize() {
    long seed = TestSeed.value();
    Random random = new Random(seed);
    for (int trial = 0; trial < 10_000; trial++) {
      long size = trial == 0 ? KeyedPermutation.MAX_SIZE : 1 + (random.nextLong() >>> 2 + random.nextInt(40));
      KeyedPermutation permutation = new KeyedPermutation(new CounterRandom(random.nextLong()), size);
      long index = random.nextLong(size);
      long value = permutation.apply(7, index);
      assertTrue(value >= 0 && value < size, "test seed " + seed + ", size " + size);
      assertEquals(index, permutation.invert(7, value), "test seed " + seed + ", size " + size);
    }
  }

  @Test
  void aRunOfIndicesGoesWhereEachOfThemGoes() {
    long seed = TestSeed.value();
    Random random = new Random(seed);
    for (int trial = 0; trial < 2000; trial++) {
      long size = trial == 0 ? KeyedPermutation.MAX_SIZE : 1 + (random.nextLong() >>> 2 + random.nextInt(60));
      KeyedPermutation permutation = new KeyedPermutation(new CounterRandom(random.nextLong()), size);
      long index = random.nextLong(size);
      int from = random.nextInt(5);
      int count = (int) Math.min(random.nextInt(200), size - index);
      long[] expected = new long[from + count + 3];
      for (int i = 0; i < count; i++) {
        expected[from + i] = permutation.apply(trial, index + i);
      }
      long[] found = new long[expected.length];
      permutation.apply(trial, index, found, from, from + count);
      assertArrayEquals(expected, found, "test seed " + seed + ", size " + size + ", index " + index);
    }
  }

  /** Every place goes to every other equally often, over the members of a family and over keys. */
  @Test
  void placesAreUniform() {
    for (int size : new int[]{2, 3, 5, 16, 200}) {
      for (int index : new int[]{0, size - 1}) {
        long[] overMembers = new long[size];
        long[] overKeys = new long[size];
        int trials = 100 * size;
        for (int i = 0; i < trials; i++) {
          overMembers[(int) new KeyedPermutation(new CounterRandom(1), size).apply(i, index)]++;
          overKeys[(int) new KeyedPermutation(new CounterRandom(i), size).apply(0, index)]++;
        }
        double[] expected = new double[size];
        Arrays.fill(expected, (double) trials / size);
        assertTrue(new ChiSquareTest().chiSquareTest(expected, overMembers) > 1e-4, "members, size " + size);
        assertTrue(new ChiSquareTest().chiSquareTest(expected, overKeys) > 1e-4, "keys, size " + size);
      }
    }
  }

  @Test
  @Tag("slow")
  void namesAreUniqueOverThePapersWholeNameSpace() {
    int size = 160_000_000;
    KeyedPermutation permutation = new KeyedPermutation(new CounterRandom(1), size);
    BitSet seen = new BitSet(size);
    for (int i = 0; i < size; i++) {
      seen.set(Math.toIntExact(permutation.apply(0, i)));
    }
    assertEquals(size, seen.cardinality());
  }

  @Test
  void sizesAndIndicesOutOfRangeAreRefused() {
    CounterRandom random = new CounterRandom(1);
    assertThrows(IllegalArgumentException.class, () -> new KeyedPermutation(random, 0));
    assertThrows(IllegalArgumentException.class,
        () -> new KeyedPermutation(random, KeyedPermutation.MAX_SIZE + 1));
    KeyedPermutation permutation = new KeyedPermutation(random, 3);
    assertThrows(IndexOutOfBoundsException.class, () -> permutation.apply(0, 3));
    assertThrows(IndexOutOfBoundsException.class, () -> permutation.invert(0, -1));
  }
}
