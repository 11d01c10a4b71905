package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
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
   * @param qkv [slice rows, 3d]
   * @param direction 1 forward, -1 for the gradient's way back
   */
  static Kernel turn(MemorySegment memory, long tables, ForwardOperation.Rotary rotary, Matrix qkv,
      int direction) {
    int half = rotary.rotated() / 2;
    int length = rotary.heads().length();
    int width = rotary.heads().width();
    int turned = 2 * rotary.heads().count() * width;
    return firstRow -> {
      for (int r = 0; r < qkv.rows(); r++) {
        long cosines = tables + 4L * (r % length) * half;
        long sines = cosines + 4L * length * half;
        turnRow(memory, qkv.at(r, 0), qkv.narrow(), turned, width, half, cosines, sines, direction);
      }
    };
  }

  private static void turnRow(MemorySegment memory, long row, boolean narrow, int turned, int width, int half,
      long cosines, long sines, int direction) {
    int i = 0;
    for (; i + LANES <= half; i += LANES) {
      FloatVector cosine = Vectors.load(memory, cosines, i, false);
      FloatVector sine = Vectors.load(memory, sines, i, false).mul(direction);
      for (int head = i; head < turned; head += width) {
        FloatVector a = Vectors.load(memory, row, head, narrow);
        FloatVector b = Vectors.load(memory, row, head + half, narrow);
        Vectors.store(a.mul(cosine).sub(b.mul(sine)), memory, row, head, narrow);
        Vectors.store(b.mul(cosine).add(a.mul(sine)), memory, row, head + half, narrow);
      }
    }
    if (i < half) {
      VectorMask<Float> rest = FLOATS.indexInRange(i, half);
      FloatVector cosine = Vectors.load(memory, cosines, i, false, rest);
      FloatVector sine = Vectors.load(memory, sines, i, false, rest).mul(direction);
      for (int head = i; head < turned; head += width) {
        FloatVector a = Vectors.load(memory, row, head, narrow, rest);
        FloatVector b = Vectors.load(memory, row, head + half, narrow, rest);
        Vectors.store(a.mul(cosine).sub(b.mul(sine)), memory, row, head, narrow, rest);
        Vectors.store(b.mul(cosine).add(a.mul(sine)), memory, row, head + half, narrow, rest);
      }
    }
  }
}
