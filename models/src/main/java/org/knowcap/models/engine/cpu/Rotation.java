package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.knowcap.models.program.ForwardOperation;

/** Rotary positions, in place, from tables of cosines and sines. */
final class Rotation {
  private Rotation() {}

  /** Floats of the tables of a rotation. */
  static long tableSize(ForwardOperation.Rotary rotary) {
    return 2L * rotary.heads().length() * (rotary.rotated() / 2);
  }

  /**
   * Fills the tables: cosines [T, rotated / 2], then sines.
   *
   * @param tables offset of both
   */
  static void fill(MemorySegment memory, long tables, ForwardOperation.Rotary rotary) {
    int half = rotary.rotated() / 2;
    int length = rotary.heads().length();
    for (int t = 0; t < length; t++) {
      for (int i = 0; i < half; i++) {
        double angle = t * Math.pow(rotary.base(), -2.0 * i / rotary.rotated());
        long at = tables + 4L * (t * half + i);
        memory.set(ValueLayout.JAVA_FLOAT, at, (float) Math.cos(angle));
        memory.set(ValueLayout.JAVA_FLOAT, at + 4L * length * half, (float) Math.sin(angle));
      }
    }
  }

  /**
   * Turns queries and keys.
   *
   * @param qkv [slice rows, width of queries, keys and values]
   * @param direction 1 forward, -1 for the gradient's way back
   */
  static Kernel turn(MemorySegment memory, long tables, ForwardOperation.Rotary rotary, Matrix qkv,
      int direction) {
    int half = rotary.rotated() / 2;
    int length = rotary.heads().length();
    int width = rotary.heads().width();
    int turned = rotary.heads().turnedWidth();
    return firstRow -> {
      for (int r = 0; r < qkv.rows(); r++) {
        long cosines = tables + 4L * (r % length) * half;
        long sines = cosines + 4L * length * half;
        Loops.turn(memory, qkv.at(r, 0), qkv.narrow(), turned, width, half, cosines, sines, direction);
      }
    };
  }
}
