package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.IntToDoubleFunction;
import org.knowcap.models.program.ForwardOperation;

/** Rotary positions, in place, from tables of cosines and sines. */
final class Rotation {
  private Rotation() {}

  /** Floats of the tables of a rotation, those of queries and those of keys. */
  static long tableSize(ForwardOperation.Rotary rotary) {
    return 2 * oneSize(rotary);
  }

  private static long oneSize(ForwardOperation.Rotary rotary) {
    return 2L * rotary.heads().length() * (rotary.rotated() / 2);
  }

  /**
   * Fills the tables: of queries cosines [T, rotated / 2], then sines; then those of keys.
   *
   * @param tables offset of all
   */
  static void fill(MemorySegment memory, long tables, ForwardOperation.Rotary rotary) {
    fill(memory, tables, rotary, rotary.places()::query);
    fill(memory, tables + 4 * oneSize(rotary), rotary, rotary.places()::key);
  }

  private static void fill(MemorySegment memory, long tables, ForwardOperation.Rotary rotary,
      IntToDoubleFunction place) {
    int half = rotary.rotated() / 2;
    int length = rotary.heads().length();
    for (int t = 0; t < length; t++) {
      for (int i = 0; i < half; i++) {
        double angle = place.applyAsDouble(t) * Math.pow(rotary.base(), -2.0 * i / rotary.rotated());
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
    int queries = rotary.heads().count() * width;
    int turned = rotary.heads().turnedWidth();
    long keyTables = tables + 4 * oneSize(rotary);
    boolean alike = rotary.places().equals(ForwardOperation.Places.TRUE);
    return firstRow -> {
      for (int r = 0; r < qkv.rows(); r++) {
        long cosines = 4L * (r % length) * half;
        long sines = cosines + 4L * length * half;
        if (alike) {
          turn(memory, qkv.at(r, 0), qkv.narrow(), turned, width, half, tables + cosines, tables + sines,
              direction);
        } else {
          turn(memory, qkv.at(r, 0), qkv.narrow(), queries, width, half, tables + cosines, tables + sines,
              direction);
          turn(memory, qkv.at(r, queries), qkv.narrow(), turned - queries, width, half, keyTables + cosines,
              keyTables + sines, direction);
        }
      }
    };
  }

  private static void turn(MemorySegment memory, long row, boolean narrow, int turned, int width, int half,
      long cosines, long sines, int direction) {
    if (half % Vectors.LANES == 0) {
      Loops.turn(memory, row, narrow, turned, width, half, cosines, sines, direction);
    } else if (narrow) {
      Loops.turnFewNarrow(memory, row, turned, width, half, cosines, sines, direction);
    } else {
      Loops.turnFew(memory, row, turned, width, half, cosines, sines, direction);
    }
  }
}
