package org.knowcap.models.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A batch's rows sorted by token, the same token's in their order, and cut into segments of one token each and of no more
 * than {@value #SEGMENT} rows: so the table's gradient is summed in a fixed order, in parallel, without atomics.
 *
 * @param order row numbers, [R]
 * @param segments where in the order each segment begins, [up to S + 1]
 * @param first the first segment of each token, and behind the last how many there are, [V + 1]
 */
record TokenOrder(int[] order, int[] segments, int[] first) {
  private static final int SEGMENT = 32;

  /** S, the most segments that any batch needs. */
  static int most(int rows, int vocabulary) {
    return Math.min(rows, rows / SEGMENT + vocabulary);
  }

  static TokenOrder of(int[] tokens, int vocabulary) {
    int[] ends = new int[vocabulary + 1];
    for (int token : tokens) {
      ends[token + 1]++;
    }
    for (int v = 0; v < vocabulary; v++) {
      ends[v + 1] += ends[v];
    }
    int[] place = ends.clone();
    int[] order = new int[tokens.length];
    for (int row = 0; row < tokens.length; row++) {
      order[place[tokens[row]]++] = row;
    }
    int[] segments = new int[most(tokens.length, vocabulary) + 1];
    int[] first = new int[vocabulary + 1];
    int count = 0;
    for (int v = 0; v < vocabulary; v++) {
      first[v] = count;
      for (int at = ends[v]; at < ends[v + 1]; at += SEGMENT) {
        segments[count++] = at;
      }
    }
    first[vocabulary] = count;
    segments[count] = tokens.length;
    return new TokenOrder(order, segments, first);
  }

  /** Bytes that {@link #write} takes. */
  static long bytes(int rows, int vocabulary) {
    return 4L * (rows + most(rows, vocabulary) + 1 + vocabulary + 1);
  }

  /** Writes the three behind one another. */
  void write(MemorySegment to, long offset) {
    for (int[] part : new int[][]{order, segments, first}) {
      MemorySegment.copy(part, 0, to, ValueLayout.JAVA_INT, offset, part.length);
      offset += 4L * part.length;
    }
  }
}
