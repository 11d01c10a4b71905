package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;

/**
 * The workers' gradients, each fp32 [P]. They are summed in the workers' order into the first worker's.
 *
 * @param offsets of each worker's
 */
record Gradients(MemorySegment memory, long[] offsets) {
  /** Numbers of a stretch that fits into the innermost cache. */
  static final int CHUNK = 1024;

  /** Offset of the sum. */
  long sum() {
    return offsets[0];
  }

  /** Sums the elements from one to before another, no more than a chunk, and zeroes the others' for the next step. */
  void gather(long from, long to) {
    for (int worker = 1; worker < offsets.length; worker++) {
      Loops.accumulate(memory, offsets[worker] + 4 * from, false, offsets[0] + 4 * from, to - from);
      memory.asSlice(offsets[worker] + 4 * from, 4 * (to - from)).fill((byte) 0);
    }
  }

  /** Gathers a stretch; returns the sum of the squares, whose parts are in fp32. */
  double gatherSquares(long from, long to) {
    double squares = 0;
    for (long i = from; i < to; i += CHUNK) {
      long end = Math.min(i + CHUNK, to);
      gather(i, end);
      squares += squares(offsets[0], i, end);
    }
    return squares;
  }

  /** Sum of the squares of a stretch of a flat buffer, no more than a chunk. */
  float squares(long buffer, long from, long to) {
    return Loops.dot(memory, buffer + 4 * from, false, buffer + 4 * from, false, (int) (to - from));
  }

  /** Multiplies a stretch of the sum. */
  void scale(long from, long to, float factor) {
    if (factor != 1) {
      Loops.multiply(memory, offsets[0], factor, from, to);
    }
  }
}
