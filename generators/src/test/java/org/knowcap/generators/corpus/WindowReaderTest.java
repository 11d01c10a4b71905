package org.knowcap.generators.corpus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.testing.TestSeed;

class WindowReaderTest {
  private static final Source CORPUS = new BioS(37, 9, Pools.shipped(PoolSizes.PAPER), Templates.shipped());

  @Test
  void windowsAreTheItemsEndToEndAndTargetsAreShiftedByOne() {
    int[] stream = stream(20_000);
    for (int window : new int[]{1, 7, 64, 512, 3000}) {
      WindowReader reader = new WindowReader(CORPUS, window, Cursor.START);
      for (int from = 0; from + window < 15_000; from += window) {
        // Rows of a batch: each window at an offset of its own.
        int offset = from % 5;
        int[] inputs = new int[offset + window];
        int[] targets = new int[offset + window];
        reader.read(inputs, targets, offset);
        assertArrayEquals(Arrays.copyOfRange(stream, from, from + window),
            Arrays.copyOfRange(inputs, offset, offset + window));
        assertArrayEquals(Arrays.copyOfRange(stream, from + 1, from + 1 + window),
            Arrays.copyOfRange(targets, offset, offset + window));
      }
    }
  }

  @Test
  void anyCursorGoesOnWithTheSameTokens() {
    long seed = TestSeed.value();
    Random random = new Random(seed);
    int[] stream = stream(20_000);
    for (int trial = 0; trial < 100; trial++) {
      int before = 1 + random.nextInt(10_000);
      int window = 1 + random.nextInt(1000);
      WindowReader first = new WindowReader(CORPUS, before, Cursor.START);
      first.read(new int[before], new int[before], 0);
      WindowReader second = new WindowReader(CORPUS, window, first.cursor());
      assertEquals(first.cursor(), second.cursor());
      int[] inputs = new int[window];
      second.read(inputs, new int[window], 0);
      assertArrayEquals(Arrays.copyOfRange(stream, before, before + window), inputs, "test seed " + seed);
    }
  }

  @Test
  void emptyWindowsAndForeignCursorsAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new WindowReader(CORPUS, 0, Cursor.START));
    assertThrows(IllegalArgumentException.class,
        () -> new WindowReader(CORPUS, 8, Cursor.ofNumbers(0, 3, 5000)));
    assertThrows(IllegalArgumentException.class, () -> Cursor.ofNumbers(0, -1, 0));
  }

  private static int[] stream(int length) {
    int[] stream = new int[length + CORPUS.longestItem()];
    int at = 0;
    for (long item = 0; at < length; item++) {
      at += CORPUS.write(item, stream, at);
    }
    return stream;
  }
}
