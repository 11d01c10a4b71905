package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;
import static org.knowcap.models.engine.cpu.Vectors.load;
import static org.knowcap.models.engine.cpu.Vectors.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.knowcap.models.program.Recurrence;

/** The loops of recurrences and gated norms over rows of fp32, to full vectors. */
final class RecurrenceLoops {
  private RecurrenceLoops() {}

  static void fill(MemorySegment memory, long to, float number, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(FloatVector.broadcast(FLOATS, number), memory, to, i, false);
    }
  }

  /** z becomes ln a = ln sigmoid(z) / 16, bounded. */
  static void logDecays(MemorySegment memory, long z, int size) {
    for (int i = 0; i < size; i += LANES) {
      FloatVector x = load(memory, z, i, false);
      FloatVector below = x.blend(0, x.compare(VectorOperators.GT, 0));
      FloatVector log = below.sub(Vectors.log(Vectors.exp(x.abs().neg()).add(1)))
          .mul(1 / Recurrence.TEMPERATURE);
      log = log.blend(Recurrence.LEAST_LOG_DECAY, log.lt(Recurrence.LEAST_LOG_DECAY));
      store(log, memory, z, i, false);
    }
  }

  /** The gradient of ln a becomes that of z: its slope is (1 - sigmoid(z)) / 16, or 0 where ln a is bounded. */
  static void decaySlopes(MemorySegment memory, long g, long dG, int size) {
    for (int i = 0; i < size; i += LANES) {
      FloatVector log = load(memory, g, i, false);
      FloatVector slope = FloatVector.broadcast(FLOATS, 1)
          .sub(Vectors.exp(log.mul(Recurrence.TEMPERATURE)))
          .mul(1 / Recurrence.TEMPERATURE);
      slope = slope.blend(0, log.compare(VectorOperators.LE, Recurrence.LEAST_LOG_DECAY));
      store(load(memory, dG, i, false).mul(slope), memory, dG, i, false);
    }
  }

  /** Sums of rows from the first on. */
  static void sums(MemorySegment memory, long rows, long to, int count, int size) {
    for (int i = 0; i < size; i += LANES) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int r = 0; r < count; r++) {
        sum = sum.add(load(memory, rows + 4L * r * size, i, false));
        store(sum, memory, to + 4L * r * size, i, false);
      }
    }
  }

  static void exponentials(MemorySegment memory, long x, long to, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(Vectors.exp(load(memory, x, i, false)), memory, to, i, false);
    }
  }

  /** e^(x - middle) and e^(middle - x). */
  static void factors(MemorySegment memory, long x, long middle, long up, long down, int size) {
    for (int i = 0; i < size; i += LANES) {
      FloatVector difference = load(memory, x, i, false).sub(load(memory, middle, i, false));
      store(Vectors.exp(difference), memory, up, i, false);
      store(Vectors.exp(difference.neg()), memory, down, i, false);
    }
  }

  /** to = a * b * factor. */
  static void scaledProduct(MemorySegment memory, long a, long b, float factor, long to, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(load(memory, a, i, false).mul(load(memory, b, i, false)).mul(factor), memory, to, i, false);
    }
  }

  static void difference(MemorySegment memory, long a, long b, long to, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(load(memory, a, i, false).sub(load(memory, b, i, false)), memory, to, i, false);
    }
  }

  /**
   * Gradients of a chunk's queries and keys, and of the logarithms of decays: what arrives at a token's sum of logarithms, by
   * its query and key, and what arrives at later tokens' sums.
   *
   * @param dLast what arrives at the last sum from behind the chunk
   * @param q the first of a number of rows that are {@code qRow} bytes apart; all others lie one behind the other
   */
  static void tokens(MemorySegment memory, long dLast, long q, long qRow, long k, long up, long down, long dQ,
      long dK, float scale, long toQ, long toK, long toG, int count, int size) {
    for (int i = 0; i < size; i += LANES) {
      FloatVector sum = load(memory, dLast, i, false);
      for (int r = count - 1; r >= 0; r--) {
        long at = 4L * r * size;
        FloatVector gQ = load(memory, dQ + at, i, false);
        FloatVector gK = load(memory, dK + at, i, false);
        sum = load(memory, q + r * qRow, i, false).mul(gQ)
            .add(sum)
            .sub(load(memory, k + at, i, false).mul(gK));
        store(gQ.mul(load(memory, up + at, i, false)).mul(scale), memory, toQ + at, i, false);
        store(gK.mul(load(memory, down + at, i, false)), memory, toK + at, i, false);
        store(sum, memory, toG + at, i, false);
      }
    }
  }

  /** Adds to {@link #tokens} what the delta rule has besides. */
  static void tokensOfDelta(MemorySegment memory, long p, long pRow, long up, long dP, long toK, long toG,
      int count, int size) {
    for (int i = 0; i < size; i += LANES) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int r = count - 1; r >= 0; r--) {
        long at = 4L * r * size;
        FloatVector gP = load(memory, dP + at, i, false);
        sum = load(memory, p + r * pRow, i, false).mul(gP).add(sum);
        store(gP.mul(load(memory, up + at, i, false)).add(load(memory, toK + at, i, false)), memory, toK + at,
            i, false);
        store(sum.add(load(memory, toG + at, i, false)), memory, toG + at, i, false);
      }
    }
  }

  /** to = x * rstd * gain * silu(gate). */
  static void gatedNorm(MemorySegment memory, long x, long gate, long gain, float rstd, long to, int size) {
    for (int i = 0; i < size; i += LANES) {
      FloatVector g = load(memory, gate, i, false);
      FloatVector silu = g.div(Vectors.exp(g.neg()).add(1));
      store(load(memory, x, i, false).mul(rstd).mul(load(memory, gain, i, false)).mul(silu), memory, to, i,
          false);
    }
  }

  /** x becomes the norm without its gain, the gate its gradient, and dOut what comes to the norm with its gain. */
  static void gateGradients(MemorySegment memory, long x, long gate, long gain, float rstd, long dOut,
      int size) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1);
    for (int i = 0; i < size; i += LANES) {
      FloatVector g = load(memory, gate, i, false);
      FloatVector sigmoid = one.div(Vectors.exp(g.neg()).add(1));
      FloatVector n = load(memory, x, i, false).mul(rstd);
      FloatVector d = load(memory, dOut, i, false);
      FloatVector slope = g.mul(one.sub(sigmoid)).add(1).mul(sigmoid);
      store(n, memory, x, i, false);
      store(d.mul(n).mul(load(memory, gain, i, false)).mul(slope), memory, gate, i, false);
      store(d.mul(g).mul(sigmoid), memory, dOut, i, false);
    }
  }

  /** to = d * gain; returns the sum of n * d * gain. */
  static float timesGain(MemorySegment memory, long n, long gain, long d, long to, int size) {
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < size; i += LANES) {
      FloatVector dN = load(memory, d, i, false).mul(load(memory, gain, i, false));
      sum = sum.add(dN.mul(load(memory, n, i, false)));
      store(dN, memory, to, i, false);
    }
    return Vectors.sum(sum);
  }

  /** d = (d - n * along) * rstd. */
  static void normGradient(MemorySegment memory, long n, long d, float along, float rstd, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(load(memory, d, i, false).sub(load(memory, n, i, false).mul(along)).mul(rstd), memory, d, i,
          false);
    }
  }
}
