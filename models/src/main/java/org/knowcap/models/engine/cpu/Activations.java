package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;
import static org.knowcap.models.engine.cpu.Vectors.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/**
 * Activations with their derivatives, as training needs them: ReLU^2, and x * sigmoid(w), with w = x (a + b x^2). With s =
 * sigmoid(w) the derivative is s + x s (1 - s) w' = s (1 + (1 - s) x w'), and x w' = x (a + 3 b x^2). Parameters are
 * addresses, for the reason that {@link Tiles} gives; loops run to full vectors.
 */
final class Activations {
  private static final MemorySegment ALL = Tiles.ALL;

  private Activations() {}

  /** to = activation of x, and the derivative in the place of x, in fp32. */
  static void forward(float a, float b, long x, long to, long size) {
    for (long i = 0; i < 4 * size; i += 4 * LANES) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, ALL, x + i, ORDER);
      FloatVector square = v.mul(v);
      FloatVector w = v.mul(square.mul(b).add(a));
      FloatVector s = FloatVector.broadcast(FLOATS, 1).div(Vectors.exp(w.neg()).add(1));
      v.mul(s).intoMemorySegment(ALL, to + i, ORDER);
      FloatVector slope = v.mul(square.mul(3 * b).add(a));
      s.mul(slope.sub(s.mul(slope)).add(1)).intoMemorySegment(ALL, x + i, ORDER);
    }
  }

  /** to = max(0, x)^2, and the derivative 2 max(0, x) in the place of x, in fp32. */
  static void squaredRelu(long x, long to, long size) {
    for (long i = 0; i < 4 * size; i += 4 * LANES) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, ALL, x + i, ORDER).max(0);
      v.mul(v).intoMemorySegment(ALL, to + i, ORDER);
      v.mul(2).intoMemorySegment(ALL, x + i, ORDER);
    }
  }

  /** gradient *= slope, in fp32. */
  static void backward(long slope, long gradient, long size) {
    for (long i = 0; i < 4 * size; i += 4 * LANES) {
      FloatVector.fromMemorySegment(FLOATS, ALL, gradient + i, ORDER)
          .mul(FloatVector.fromMemorySegment(FLOATS, ALL, slope + i, ORDER))
          .intoMemorySegment(ALL, gradient + i, ORDER);
    }
  }

  /** gradient *= slope, in bf16. */
  static void backwardBf16(long slope, long gradient, long size) {
    for (long i = 0; i < 2 * size; i += 2 * LANES) {
      FloatVector g = Vectors.widen(ShortVector.fromMemorySegment(Vectors.SHORTS, ALL, gradient + i, ORDER));
      FloatVector s = Vectors.widen(ShortVector.fromMemorySegment(Vectors.SHORTS, ALL, slope + i, ORDER));
      Vectors.bf16(g.mul(s)).intoMemorySegment(ALL, gradient + i, ORDER);
    }
  }
}
