package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;
import static org.knowcap.models.engine.cpu.Vectors.load;
import static org.knowcap.models.engine.cpu.Vectors.store;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import org.knowcap.models.program.Recurrence;

/** The loops of recurrences and gated norms over rows of fp32, to full vectors. */
final class RecurrenceLoops {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  /** Address of rows of {@link RecurrenceKernel#CHUNK} numbers, the i-th of which has i ones and zeros. */
  private static final long KEPT = kept().address();

  private RecurrenceLoops() {}

  private static MemorySegment kept() {
    int size = RecurrenceKernel.CHUNK;
    MemorySegment rows = Arena.global().allocate(4L * size * (size + 1), 64);
    for (int row = 0; row <= size; row++) {
      for (int i = 0; i < row; i++) {
        rows.setAtIndex(ValueLayout.JAVA_FLOAT, (long) row * size + i, 1);
      }
    }
    return rows;
  }

  /** Some numbers of each row. The end of a row goes number by number: masked vectors would be put on the heap. */
  static void copyRows(MemorySegment memory, long from, long fromRow, long to, long toRow, int rows,
      int size) {
    Objects.checkFromIndexSize(from, (rows - 1) * fromRow + 4L * size, memory.byteSize());
    Objects.checkFromIndexSize(to, (rows - 1) * toRow + 4L * size, memory.byteSize());
    int bound = FLOATS.loopBound(size);
    if (bound > 0) {
      copyVectors(memory, from, fromRow, to, toRow, rows, bound);
    }
    if (bound < size) {
      long rest = memory.address() + 4L * bound;
      copyNumbers(rest + from, fromRow, rest + to, toRow, rows, size - bound);
    }
  }

  private static void copyVectors(MemorySegment memory, long from, long fromRow, long to, long toRow,
      int rows, int size) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < size; i += LANES) {
        store(load(memory, from + r * fromRow, i, false), memory, to + r * toRow, i, false);
      }
    }
  }

  /** By addresses. */
  private static void copyNumbers(long from, long fromRow, long to, long toRow, int rows, int size) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < size; i++) {
        Tiles.ALL.set(FLOAT, to + r * toRow + 4L * i, Tiles.ALL.get(FLOAT, from + r * fromRow + 4L * i));
      }
    }
  }

  static void fill(MemorySegment memory, long to, float number, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(FloatVector.broadcast(FLOATS, number), memory, to, i, false);
    }
  }

  /** to = e^-|x|. Loops with more than one exponential or logarithm are too large for vectors to stay in registers. */
  static void exponentialsOfDistance(MemorySegment memory, long x, long to, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(Vectors.expOfFew(load(memory, x, i, false).abs().neg()), memory, to, i, false);
    }
  }

  /** z becomes ln a = ln sigmoid(z) / 16, bounded, where e is {@link #exponentialsOfDistance} of z. */
  static void logDecays(MemorySegment memory, long z, long e, int size) {
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector least = FloatVector.broadcast(FLOATS, Recurrence.LEAST_LOG_DECAY);
    for (int i = 0; i < size; i += LANES) {
      FloatVector log = Vectors.log(load(memory, e, i, false).add(1));
      store(load(memory, z, i, false).min(zero).sub(log).mul(1 / Recurrence.TEMPERATURE).max(least), memory,
          z, i, false);
    }
  }

  /** to = e^(x factor). */
  static void exponentials(MemorySegment memory, long x, float factor, long to, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(Vectors.exp(load(memory, x, i, false).mul(factor)), memory, to, i, false);
    }
  }

  /**
   * The gradient of ln a becomes that of z: its slope is (1 - sigmoid(z)) / 16, or 0 where ln a is bounded.
   *
   * @param sigmoids of z, which are no smaller than {@code least} where ln a is not bounded
   */
  static void decaySlopes(MemorySegment memory, long sigmoids, float least, long dG, int size) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1);
    FloatVector zero = FloatVector.zero(FLOATS);
    for (int i = 0; i < size; i += LANES) {
      FloatVector sigmoid = load(memory, sigmoids, i, false);
      FloatVector slope = one.sub(sigmoid).mul(1 / Recurrence.TEMPERATURE);
      slope = slope.blend(zero, sigmoid.lt(least));
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

  /** to = e^(x - m), where m is one of the rows. */
  static void factors(MemorySegment memory, long x, long m, long to, int count, int size) {
    for (int r = 0; r < count; r++) {
      for (int i = 0; i < size; i += LANES) {
        FloatVector difference = load(memory, x + 4L * r * size, i, false).sub(load(memory, m, i, false));
        store(Vectors.expOfFew(difference), memory, to + 4L * r * size, i, false);
      }
    }
  }

  /** to = 1 / x. */
  static void reciprocals(MemorySegment memory, long x, long to, int size) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1);
    for (int i = 0; i < size; i += LANES) {
      store(one.div(load(memory, x, i, false)), memory, to, i, false);
    }
  }

  /** to = a * b * factor, row by row. */
  static void products(MemorySegment memory, long a, long b, float factor, long to, long toRow, int rows,
      int size) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < size; i += LANES) {
        store(load(memory, a + 4L * r * size, i, false).mul(load(memory, b + 4L * r * size, i, false))
            .mul(factor), memory, to + r * toRow, i, false);
      }
    }
  }

  /** Keeps of the r-th of {@link RecurrenceKernel#CHUNK} rows of as many numbers the first r + 1 - less, and zeros. */
  static void lower(MemorySegment memory, long x, long rowBytes, int less) {
    for (int r = 0; r < RecurrenceKernel.CHUNK; r++) {
      long kept = KEPT + 4L * RecurrenceKernel.CHUNK * (r + 1 - less);
      for (int i = 0; i < RecurrenceKernel.CHUNK; i += LANES) {
        FloatVector ones = FloatVector.fromMemorySegment(FLOATS, Tiles.ALL, kept + 4L * i, Vectors.ORDER);
        store(load(memory, x + r * rowBytes, i, false).mul(ones), memory, x + r * rowBytes, i, false);
      }
    }
  }

  /** Each row times its number. */
  static void scaleRows(MemorySegment memory, long x, long factors, int rows, int size) {
    for (int r = 0; r < rows; r++) {
      float factor = memory.get(ValueLayout.JAVA_FLOAT, factors + 4L * r);
      for (int i = 0; i < size; i += LANES) {
        store(load(memory, x + 4L * r * size, i, false).mul(factor), memory, x + 4L * r * size, i, false);
      }
    }
  }

  /** The dot product of each row with its counterpart. */
  static void rowDots(MemorySegment memory, long a, long b, long to, int rows, int size) {
    for (int r = 0; r < rows; r++) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int i = 0; i < size; i += LANES) {
        sum = load(memory, a + 4L * r * size, i, false).fma(load(memory, b + 4L * r * size, i, false), sum);
      }
      memory.set(ValueLayout.JAVA_FLOAT, to + 4L * r, Vectors.sum(sum));
    }
  }

  /**
   * The delta rule: errors = v - product - weights * u and u = strength * errors, row after row.
   *
   * @param weights of earlier rows, {@code weightRow} bytes from row to row
   */
  static void solve(MemorySegment memory, long v, long product, long weights, long weightRow, long strengths,
      long errors, long u, int count, int size) {
    for (int i = 0; i < size; i += LANES) {
      for (int r = 0; r < count; r++) {
        FloatVector e = load(memory, v + 4L * r * size, i, false)
            .sub(load(memory, product + 4L * r * size, i, false));
        for (int s = 0; s < r; s++) {
          e = e.sub(load(memory, u + 4L * s * size, i, false)
              .mul(memory.get(ValueLayout.JAVA_FLOAT, weights + r * weightRow + 4L * s)));
        }
        store(e, memory, errors + 4L * r * size, i, false);
        store(e.mul(memory.get(ValueLayout.JAVA_FLOAT, strengths + 4L * r)), memory, u + 4L * r * size, i,
            false);
      }
    }
  }

  /** Its gradient: dU becomes that of the errors, dV is strength * dU, and minus is -dV. */
  static void solveBack(MemorySegment memory, long weights, long weightRow, long strengths, long dU,
      long minus, long dV, int count, int size) {
    for (int i = 0; i < size; i += LANES) {
      for (int s = count - 1; s >= 0; s--) {
        FloatVector x = load(memory, dU + 4L * s * size, i, false);
        for (int t = s + 1; t < count; t++) {
          x = x.add(load(memory, minus + 4L * t * size, i, false)
              .mul(memory.get(ValueLayout.JAVA_FLOAT, weights + t * weightRow + 4L * s)));
        }
        float strength = memory.get(ValueLayout.JAVA_FLOAT, strengths + 4L * s);
        store(x, memory, dU + 4L * s * size, i, false);
        store(x.mul(-strength), memory, minus + 4L * s * size, i, false);
        store(x.mul(strength), memory, dV + 4L * s * size, i, false);
      }
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

  /**
   * x becomes the norm without its gain, the gate its gradient, and dOut what comes to the norm with its gain.
   *
   * @param e e to the gate with its sign turned
   */
  static void gateGradients(MemorySegment memory, long x, long gate, long e, long gain, float rstd, long dOut,
      int size) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1);
    for (int i = 0; i < size; i += LANES) {
      FloatVector g = load(memory, gate, i, false);
      FloatVector sigmoid = one.div(load(memory, e, i, false).add(1));
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
