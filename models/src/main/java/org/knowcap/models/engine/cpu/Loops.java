package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;
import static org.knowcap.models.engine.cpu.Vectors.load;
import static org.knowcap.models.engine.cpu.Vectors.store;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import org.knowcap.models.program.MasterWeights;

/**
 * The innermost loops, one for each method. Java's compiler keeps a vector in registers only if it can follow the
 * vector from its creation to its use within one compilation. After some dozens of vector operations it stops
 * following, and puts every further vector on the heap, which is ten times slower. So each method has one loop. If
 * the length of a row is not a multiple of a vector, a separate method treats the numbers after the last full
 * vector. Processes that run engines are started with a flag that keeps the compiler from inlining these methods
 * into each other.
 *
 * <p>Rows are given by the offset of their first number in the session's memory, and by whether that is bf16 or fp32.
 * Buffers end on a full vector, so loops "to full vectors" also treat the rest of the last vector.
 */
final class Loops {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private Loops() {}

  /** to = from, to full vectors. */
  static void convert(MemorySegment memory, long from, boolean bf16From, long to, boolean bf16To, long size) {
    for (long i = 0; i < size; i += LANES) {
      store(load(memory, from, i, bf16From), memory, to, i, bf16To);
    }
  }

  /** The bf16 copy of fp32 numbers, from one number to before another. */
  static void toBf16(MemorySegment memory, long numbers, long copy, long from, long to) {
    long i = from;
    for (; i + LANES <= to; i += LANES) {
      store(load(memory, numbers, i, false), memory, copy, i, true);
    }
    if (i < to) {
      toBf16Rest(memory, numbers, copy, i, to);
    }
  }

  private static void toBf16Rest(MemorySegment memory, long numbers, long copy, long i, long to) {
    VectorMask<Float> rest = Vectors.rest(i, to);
    store(load(memory, numbers, i, false, rest), memory, copy, i, true, rest);
  }

  /** Rounds numbers in place as they are kept after a step. */
  static void toMasterWeights(MemorySegment memory, long numbers, MasterWeights type, long step, long from,
      long to) {
    long i = from;
    if (type == MasterWeights.BF16) {
      for (; i + LANES <= to; i += LANES) {
        store(Vectors.rounded(load(memory, numbers, i, false)), memory, numbers, i, false);
      }
    } else {
      int salt = MasterWeights.salt(step);
      for (; i + LANES <= to; i += LANES) {
        store(Vectors.roundedAtRandom(load(memory, numbers, i, false), salt, (int) i), memory, numbers, i,
            false);
      }
    }
    for (; i < to; i++) {
      memory.set(ValueLayout.JAVA_FLOAT, numbers + 4 * i,
          type.rounded(memory.get(ValueLayout.JAVA_FLOAT, numbers + 4 * i), step, i));
    }
  }

  /** to = a + b, to full vectors. */
  static void add(MemorySegment memory, long a, boolean bf16A, long b, boolean bf16B, long to, boolean bf16To,
      long size) {
    for (long i = 0; i < size; i += LANES) {
      store(load(memory, a, i, bf16A).add(load(memory, b, i, bf16B)), memory, to, i, bf16To);
    }
  }

  /** to += from, for to in fp32. */
  static void accumulate(MemorySegment memory, long from, boolean bf16, long to, long size) {
    long bound = FLOATS.loopBound(size);
    for (long i = 0; i < bound; i += LANES) {
      store(load(memory, to, i, false).add(load(memory, from, i, bf16)), memory, to, i, false);
    }
    if (bound < size) {
      accumulateRest(memory, from, bf16, to, bound, size);
    }
  }

  private static void accumulateRest(MemorySegment memory, long from, boolean bf16, long to, long i,
      long size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    store(load(memory, to, i, false, rest).add(load(memory, from, i, bf16, rest)), memory, to, i, false,
        rest);
  }

  /** to += from * factor, for to in fp32. */
  static void accumulateScaled(MemorySegment memory, long from, boolean bf16, float factor, long to,
      int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      store(load(memory, from, i, bf16).mul(factor).add(load(memory, to, i, false)), memory, to, i, false);
    }
    if (bound < size) {
      accumulateScaledRest(memory, from, bf16, factor, to, bound, size);
    }
  }

  private static void accumulateScaledRest(MemorySegment memory, long from, boolean bf16, float factor,
      long to, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    store(load(memory, from, i, bf16, rest).mul(factor).add(load(memory, to, i, false, rest)), memory, to, i,
        false, rest);
  }

  /** to = from * factor. */
  static void scaled(MemorySegment memory, long from, boolean bf16From, float factor, long to, boolean bf16To,
      int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      store(load(memory, from, i, bf16From).mul(factor), memory, to, i, bf16To);
    }
    if (bound < size) {
      scaledRest(memory, from, bf16From, factor, to, bf16To, bound, size);
    }
  }

  private static void scaledRest(MemorySegment memory, long from, boolean bf16From, float factor, long to,
      boolean bf16To, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    store(load(memory, from, i, bf16From, rest).mul(factor), memory, to, i, bf16To, rest);
  }

  /** to = from * factor, to full vectors. */
  static void scale(MemorySegment memory, long from, float factor, long to, boolean bf16To, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(load(memory, from, i, false).mul(factor), memory, to, i, bf16To);
    }
  }

  /** Zeros from one number to before another, to full vectors. */
  static void zero(MemorySegment memory, long row, boolean bf16, long from, long to) {
    for (long i = from; i < to; i += LANES) {
      store(FloatVector.zero(FLOATS), memory, row, i, bf16);
    }
  }

  /** x[i] += slope * (from + i), to full vectors. */
  static void addAlibi(MemorySegment memory, long row, float slope, int from, int size) {
    FloatVector distance = FloatVector.zero(FLOATS).addIndex(1).add(from);
    for (int i = 0; i < size; i += LANES) {
      store(distance.add(i).fma(FloatVector.broadcast(FLOATS, slope), load(memory, row, i, false)), memory,
          row, i, false);
    }
  }

  /** Largest number of a row of full vectors. */
  static float largest(MemorySegment memory, long row, int size) {
    FloatVector largest = load(memory, row, 0, false);
    for (int i = LANES; i < size; i += LANES) {
      FloatVector x = load(memory, row, i, false);
      largest = largest.blend(x, x.compare(VectorOperators.GT, largest));
    }
    return largest.reduceLanes(VectorOperators.MAX);
  }

  /** Sum of e^(x * scale + shift) over a row of full vectors. */
  static float sumOfExponentials(MemorySegment memory, long row, float scale, float shift, int size) {
    FloatVector total = FloatVector.zero(FLOATS);
    for (int i = 0; i < size; i += LANES) {
      total = total.add(Vectors.exp(load(memory, row, i, false).mul(scale).add(shift)));
    }
    return Vectors.sum(total);
  }

  /** x = e^(x * scale + shift) over a row of full vectors; returns their sum. */
  static float exponentials(MemorySegment memory, long row, float scale, float shift, int size) {
    FloatVector total = FloatVector.zero(FLOATS);
    for (int i = 0; i < size; i += LANES) {
      FloatVector e = Vectors.exp(load(memory, row, i, false).mul(scale).add(shift));
      store(e, memory, row, i, false);
      total = total.add(e);
    }
    return Vectors.sum(total);
  }

  /** Gradient of scaled scores, weight * scale * (dWeight - mean), over rows of full vectors. */
  static void scoreGradient(MemorySegment memory, long weights, long dWeights, float scale, float mean,
      long dScores, boolean bf16, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(load(memory, weights, i, false).mul(scale).mul(load(memory, dWeights, i, false).sub(mean)),
          memory, dScores, i, bf16);
    }
  }

  /** Sum of a * b. */
  static float dot(MemorySegment memory, long a, boolean bf16A, long b, boolean bf16B, int size) {
    int bound = FLOATS.loopBound(size);
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < bound; i += LANES) {
      sum = load(memory, a, i, bf16A).fma(load(memory, b, i, bf16B), sum);
    }
    float whole = Vectors.sum(sum);
    return bound < size ? whole + dotRest(memory, a, bf16A, b, bf16B, bound, size) : whole;
  }

  private static float dotRest(MemorySegment memory, long a, boolean bf16A, long b, boolean bf16B, int i,
      int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    return Vectors.sum(load(memory, a, i, bf16A, rest).mul(load(memory, b, i, bf16B, rest)));
  }

  /** Sum of a row. */
  static float sum(MemorySegment memory, long row, boolean bf16, int size) {
    int bound = FLOATS.loopBound(size);
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < bound; i += LANES) {
      sum = sum.add(load(memory, row, i, bf16));
    }
    float whole = Vectors.sum(sum);
    return bound < size ? whole + sumRest(memory, row, bf16, bound, size) : whole;
  }

  private static float sumRest(MemorySegment memory, long row, boolean bf16, int i, int size) {
    return Vectors.sum(load(memory, row, i, bf16, Vectors.rest(i, size)));
  }

  /** Sum of (x - mean)^2. */
  static float squares(MemorySegment memory, long row, boolean bf16, float mean, int size) {
    int bound = FLOATS.loopBound(size);
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector centred = load(memory, row, i, bf16).sub(mean);
      sum = centred.fma(centred, sum);
    }
    float whole = Vectors.sum(sum);
    return bound < size ? whole + squaresRest(memory, row, bf16, mean, bound, size) : whole;
  }

  private static float squaresRest(MemorySegment memory, long row, boolean bf16, float mean, int i,
      int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    FloatVector centred = load(memory, row, i, bf16, rest).sub(mean, rest);
    return Vectors.sum(centred.mul(centred));
  }

  /** to = (x - mean) * scale * gain + bias. */
  static void normalise(MemorySegment memory, long row, boolean bf16, float mean, float scale, long gain,
      long bias, long to, boolean bf16To, int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector n = load(memory, row, i, bf16).sub(mean).mul(scale);
      store(n.fma(load(memory, gain, i, false), load(memory, bias, i, false)), memory, to, i, bf16To);
    }
    if (bound < size) {
      normaliseRest(memory, row, bf16, mean, scale, gain, bias, to, bf16To, bound, size);
    }
  }

  private static void normaliseRest(MemorySegment memory, long row, boolean bf16, float mean, float scale,
      long gain, long bias, long to, boolean bf16To, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    FloatVector n = load(memory, row, i, bf16, rest).sub(mean).mul(scale);
    store(n.fma(load(memory, gain, i, false, rest), load(memory, bias, i, false, rest)), memory, to, i,
        bf16To, rest);
  }

  /** to = x * scale * gain. */
  static void scaleByGain(MemorySegment memory, long row, boolean bf16, float scale, long gain, long to,
      boolean bf16To, int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      store(load(memory, row, i, bf16).mul(scale).mul(load(memory, gain, i, false)), memory, to, i, bf16To);
    }
    if (bound < size) {
      scaleByGainRest(memory, row, bf16, scale, gain, to, bf16To, bound, size);
    }
  }

  private static void scaleByGainRest(MemorySegment memory, long row, boolean bf16, float scale, long gain,
      long to, boolean bf16To, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    store(load(memory, row, i, bf16, rest).mul(scale).mul(load(memory, gain, i, false, rest)), memory, to, i,
        bf16To, rest);
  }

  /** With n the normalised x and g = dOut * gain: returns the sum of g n. */
  static float sumOfGn(MemorySegment memory, long row, boolean bf16, float mean, float scale, long gain,
      long dOut, boolean bf16Out, int size) {
    int bound = FLOATS.loopBound(size);
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector n = load(memory, row, i, bf16).sub(mean).mul(scale);
      sum = load(memory, dOut, i, bf16Out).mul(load(memory, gain, i, false)).fma(n, sum);
    }
    float whole = Vectors.sum(sum);
    return bound < size
        ? whole + sumOfGnRest(memory, row, bf16, mean, scale, gain, dOut, bf16Out, bound, size)
        : whole;
  }

  private static float sumOfGnRest(MemorySegment memory, long row, boolean bf16, float mean, float scale,
      long gain, long dOut, boolean bf16Out, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    FloatVector n = load(memory, row, i, bf16, rest).sub(mean).mul(scale);
    return Vectors.sum(load(memory, dOut, i, bf16Out, rest).mul(load(memory, gain, i, false, rest)).mul(n));
  }

  /** dGain += dOut * n, dBias += dOut, with n the normalised x. */
  static void normParameters(MemorySegment memory, long row, boolean bf16, float mean, float scale, long dOut,
      boolean bf16Out, long dGain, long dBias, int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector dy = load(memory, dOut, i, bf16Out);
      FloatVector n = load(memory, row, i, bf16).sub(mean).mul(scale);
      store(dy.fma(n, load(memory, dGain, i, false)), memory, dGain, i, false);
      store(dy.add(load(memory, dBias, i, false)), memory, dBias, i, false);
    }
    if (bound < size) {
      normParametersRest(memory, row, bf16, mean, scale, dOut, bf16Out, dGain, dBias, bound, size);
    }
  }

  private static void normParametersRest(MemorySegment memory, long row, boolean bf16, float mean,
      float scale, long dOut, boolean bf16Out, long dGain, long dBias, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    FloatVector dy = load(memory, dOut, i, bf16Out, rest);
    FloatVector n = load(memory, row, i, bf16, rest).sub(mean).mul(scale);
    store(dy.fma(n, load(memory, dGain, i, false, rest)), memory, dGain, i, false, rest);
    store(dy.add(load(memory, dBias, i, false, rest)), memory, dBias, i, false, rest);
  }

  /** to += a * b, number by number, for to in fp32. */
  static void accumulateProduct(MemorySegment memory, long a, boolean bf16A, long b, boolean bf16B, long to,
      int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      store(load(memory, a, i, bf16A).fma(load(memory, b, i, bf16B), load(memory, to, i, false)), memory, to,
          i, false);
    }
    if (bound < size) {
      accumulateProductRest(memory, a, bf16A, b, bf16B, to, bound, size);
    }
  }

  private static void accumulateProductRest(MemorySegment memory, long a, boolean bf16A, long b,
      boolean bf16B, long to, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    store(load(memory, a, i, bf16A, rest).fma(load(memory, b, i, bf16B, rest),
        load(memory, to, i, false, rest)), memory, to, i, false, rest);
  }

  /** dGain += dOut * x * scale. */
  static void gainGradient(MemorySegment memory, long row, boolean bf16, float scale, long dOut,
      boolean bf16Out, long dGain, int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector n = load(memory, row, i, bf16).mul(scale);
      store(load(memory, dOut, i, bf16Out).fma(n, load(memory, dGain, i, false)), memory, dGain, i, false);
    }
    if (bound < size) {
      gainGradientRest(memory, row, bf16, scale, dOut, bf16Out, dGain, bound, size);
    }
  }

  private static void gainGradientRest(MemorySegment memory, long row, boolean bf16, float scale, long dOut,
      boolean bf16Out, long dGain, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    FloatVector n = load(memory, row, i, bf16, rest).mul(scale);
    store(load(memory, dOut, i, bf16Out, rest).fma(n, load(memory, dGain, i, false, rest)), memory, dGain, i,
        false, rest);
  }

  /** to = (g - meanOfG - n * meanOfGn) * scale, with n and g as in {@link #sumOfGn}. */
  static void normGradient(MemorySegment memory, long row, boolean bf16, float mean, float scale, long gain,
      long dOut, boolean bf16Out, float meanOfG, float meanOfGn, long to, boolean bf16To, int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector n = load(memory, row, i, bf16).sub(mean).mul(scale);
      FloatVector g = load(memory, dOut, i, bf16Out).mul(load(memory, gain, i, false));
      store(g.sub(meanOfG).sub(n.mul(meanOfGn)).mul(scale), memory, to, i, bf16To);
    }
    if (bound < size) {
      normGradientRest(memory, row, bf16, mean, scale, gain, dOut, bf16Out, meanOfG, meanOfGn, to, bf16To,
          bound, size);
    }
  }

  private static void normGradientRest(MemorySegment memory, long row, boolean bf16, float mean, float scale,
      long gain, long dOut, boolean bf16Out, float meanOfG, float meanOfGn, long to, boolean bf16To, int i,
      int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    FloatVector n = load(memory, row, i, bf16, rest).sub(mean).mul(scale);
    FloatVector g = load(memory, dOut, i, bf16Out, rest).mul(load(memory, gain, i, false, rest));
    store(g.sub(meanOfG).sub(n.mul(meanOfGn)).mul(scale), memory, to, i, bf16To, rest);
  }

  /** to = x * sigmoid(w), with w = x (a + b x^2), to full vectors. */
  static void activate(MemorySegment memory, float a, float b, long x, boolean bf16, long to, boolean bf16To,
      long size) {
    for (long i = 0; i < size; i += LANES) {
      FloatVector v = load(memory, x, i, bf16);
      FloatVector w = v.mul(v.mul(v).mul(b).add(a));
      store(v.div(Vectors.exp(w.neg()).add(1)), memory, to, i, bf16To);
    }
  }

  /**
   * to = the derivative of {@link #activate}, all in fp32, to full vectors: to convert x as well would be too much for
   * one loop. With s = sigmoid(w): s + x s (1 - s) w' = s (1 + (1 - s) x w'), and x w' = x (a + 3 b x^2).
   */
  static void slope(MemorySegment memory, float a, float b, long x, long to, long size) {
    for (long i = 0; i < size; i += LANES) {
      FloatVector v = load(memory, x, i, false);
      FloatVector square = v.mul(v);
      FloatVector e = Vectors.exp(v.mul(square.mul(b).add(a)).neg()).add(1);
      FloatVector s = FloatVector.broadcast(FLOATS, 1).div(e);
      FloatVector slope = v.mul(square.mul(3 * b).add(a));
      store(s.mul(slope.sub(s.mul(slope)).add(1)), memory, to, i, false);
    }
  }

  /** to = max(0, x)^2, to full vectors. */
  static void squaredRelu(MemorySegment memory, long x, boolean bf16, long to, boolean bf16To, long size) {
    for (long i = 0; i < size; i += LANES) {
      FloatVector v = load(memory, x, i, bf16).max(0);
      store(v.mul(v), memory, to, i, bf16To);
    }
  }

  /** to = 2 max(0, x), the derivative of {@link #squaredRelu}, all in fp32, to full vectors. */
  static void squaredReluSlope(MemorySegment memory, long x, long to, long size) {
    for (long i = 0; i < size; i += LANES) {
      store(load(memory, x, i, false).max(0).mul(2), memory, to, i, false);
    }
  }

  /** to = a * b, number by number. */
  static void product(MemorySegment memory, long a, boolean bf16A, long b, boolean bf16B, long to,
      boolean bf16To, int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      store(load(memory, a, i, bf16A).mul(load(memory, b, i, bf16B)), memory, to, i, bf16To);
    }
    if (bound < size) {
      productRest(memory, a, bf16A, b, bf16B, to, bf16To, bound, size);
    }
  }

  private static void productRest(MemorySegment memory, long a, boolean bf16A, long b, boolean bf16B, long to,
      boolean bf16To, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    store(load(memory, a, i, bf16A, rest).mul(load(memory, b, i, bf16B, rest)), memory, to, i, bf16To, rest);
  }

  /** Adds the columns of a number of rows, one vector wide, to sums in fp32. */
  static void addColumns(MemorySegment memory, long first, long rowBytes, int rows, boolean bf16, long sums,
      int column) {
    FloatVector sum = load(memory, sums, column, false);
    for (int r = 0; r < rows; r++) {
      sum = sum.add(load(memory, first + r * rowBytes, column, bf16));
    }
    store(sum, memory, sums, column, false);
  }

  /** Adds the columns of a number of rows, four vectors wide, to sums in fp32. */
  static void addFourColumns(MemorySegment memory, long first, long rowBytes, int rows, boolean bf16,
      long sums, int column) {
    FloatVector a = load(memory, sums, column, false);
    FloatVector b = load(memory, sums, column + LANES, false);
    FloatVector c = load(memory, sums, column + 2 * LANES, false);
    FloatVector d = load(memory, sums, column + 3 * LANES, false);
    long row = first;
    for (int r = 0; r < rows; r++) {
      a = a.add(load(memory, row, column, bf16));
      b = b.add(load(memory, row, column + LANES, bf16));
      c = c.add(load(memory, row, column + 2 * LANES, bf16));
      d = d.add(load(memory, row, column + 3 * LANES, bf16));
      row += rowBytes;
    }
    store(a, memory, sums, column, false);
    store(b, memory, sums, column + LANES, false);
    store(c, memory, sums, column + 2 * LANES, false);
    store(d, memory, sums, column + 3 * LANES, false);
  }

  /**
   * Turns pairs (x[i], x[i + half]) of heads that begin every so many numbers, half full vectors, by one row of the
   * tables.
   */
  static void rotate(MemorySegment memory, long row, boolean bf16, int columns, int width, int half,
      long cosines, long sines, int direction) {
    for (int i = 0; i < half; i += LANES) {
      FloatVector cosine = load(memory, cosines, i, false);
      FloatVector sine = load(memory, sines, i, false).mul(direction);
      for (int head = i; head < columns; head += width) {
        FloatVector a = load(memory, row, head, bf16);
        FloatVector b = load(memory, row, head + half, bf16);
        store(a.mul(cosine).sub(b.mul(sine)), memory, row, head, bf16);
        store(b.mul(cosine).add(a.mul(sine)), memory, row, head + half, bf16);
      }
    }
  }

  /**
   * AdamW from one number to before another, and zeros for the gradient: see Optimiser.AdamW.
   *
   * @param rate learning rate over 1 - beta1^step
   * @param keep 1 - learning rate * weight decay
   * @param unbias 1 / sqrt(1 - beta2^step)
   */
  static void adamW(MemorySegment memory, long parameters, long gradient, long first, long second,
      float beta1, float beta2, float epsilon, float rate, float keep, float unbias, long from, long to) {
    long i = from;
    for (; i + LANES <= to; i += LANES) {
      FloatVector g = load(memory, gradient, i, false);
      FloatVector m = g.mul(1 - beta1).add(load(memory, first, i, false).mul(beta1));
      FloatVector v = g.mul(g).mul(1 - beta2).add(load(memory, second, i, false).mul(beta2));
      store(m, memory, first, i, false);
      store(v, memory, second, i, false);
      FloatVector change = m.mul(rate).div(v.sqrt().mul(unbias).add(epsilon));
      store(load(memory, parameters, i, false).mul(keep).sub(change), memory, parameters, i, false);
      store(FloatVector.zero(FLOATS), memory, gradient, i, false);
    }
    if (i < to) {
      adamWRest(memory, parameters, gradient, first, second, beta1, beta2, epsilon, rate, keep, unbias, i,
          to);
    }
  }

  private static void adamWRest(MemorySegment memory, long parameters, long gradient, long first, long second,
      float beta1, float beta2, float epsilon, float rate, float keep, float unbias, long i, long to) {
    VectorMask<Float> rest = Vectors.rest(i, to);
    FloatVector g = load(memory, gradient, i, false, rest);
    FloatVector m = g.mul(1 - beta1).add(load(memory, first, i, false, rest).mul(beta1));
    FloatVector v = g.mul(g).mul(1 - beta2).add(load(memory, second, i, false, rest).mul(beta2));
    store(m, memory, first, i, false, rest);
    store(v, memory, second, i, false, rest);
    FloatVector change = m.mul(rate).div(v.sqrt().mul(unbias).add(epsilon));
    store(load(memory, parameters, i, false, rest).mul(keep).sub(change), memory, parameters, i, false, rest);
    store(FloatVector.zero(FLOATS), memory, gradient, i, false, rest);
  }

  /**
   * Lion, and Tiger where both betas are one, with zeros for the gradient: see Optimiser.Lion.
   *
   * @param keep 1 - learning rate * weight decay
   */
  static void signed(MemorySegment memory, long parameters, long gradient, long moment, float beta1,
      float beta2, float rate, float keep, long from, long to) {
    long i = from;
    for (; i + LANES <= to; i += LANES) {
      FloatVector g = load(memory, gradient, i, false);
      FloatVector m = load(memory, moment, i, false);
      FloatVector change = rateBySign(m.mul(beta1).add(g.mul(1 - beta1)), rate);
      store(m.mul(beta2).add(g.mul(1 - beta2)), memory, moment, i, false);
      store(load(memory, parameters, i, false).mul(keep).sub(change), memory, parameters, i, false);
      store(FloatVector.zero(FLOATS), memory, gradient, i, false);
    }
    if (i < to) {
      signedRest(memory, parameters, gradient, moment, beta1, beta2, rate, keep, i, to);
    }
  }

  /** rate * sign(x), zero at zero. */
  private static FloatVector rateBySign(FloatVector x, float rate) {
    return FloatVector.zero(FLOATS).blend(rate, x.compare(VectorOperators.GT, 0)).blend(-rate, x.lt(0));
  }

  private static void signedRest(MemorySegment memory, long parameters, long gradient, long moment,
      float beta1, float beta2, float rate, float keep, long i, long to) {
    VectorMask<Float> rest = Vectors.rest(i, to);
    FloatVector g = load(memory, gradient, i, false, rest);
    FloatVector m = load(memory, moment, i, false, rest);
    FloatVector change = rateBySign(m.mul(beta1).add(g.mul(1 - beta1)), rate);
    store(m.mul(beta2).add(g.mul(1 - beta2)), memory, moment, i, false, rest);
    store(load(memory, parameters, i, false, rest).mul(keep).sub(change), memory, parameters, i, false, rest);
    store(FloatVector.zero(FLOATS), memory, gradient, i, false, rest);
  }

  /** Gradient descent with momentum, and zeros for the gradient: see Optimiser.Sgd. */
  static void momentum(MemorySegment memory, long parameters, long gradient, long sum, float momentum,
      float rate, float keep, long from, long to) {
    long i = from;
    for (; i + LANES <= to; i += LANES) {
      FloatVector m = load(memory, sum, i, false).mul(momentum).add(load(memory, gradient, i, false));
      store(m, memory, sum, i, false);
      store(load(memory, parameters, i, false).mul(keep).sub(m.mul(rate)), memory, parameters, i, false);
      store(FloatVector.zero(FLOATS), memory, gradient, i, false);
    }
    if (i < to) {
      momentumRest(memory, parameters, gradient, sum, momentum, rate, keep, i, to);
    }
  }

  private static void momentumRest(MemorySegment memory, long parameters, long gradient, long sum,
      float momentum, float rate, float keep, long i, long to) {
    VectorMask<Float> rest = Vectors.rest(i, to);
    FloatVector m = load(memory, sum, i, false, rest).mul(momentum)
        .add(load(memory, gradient, i, false, rest));
    store(m, memory, sum, i, false, rest);
    store(load(memory, parameters, i, false, rest).mul(keep).sub(m.mul(rate)), memory, parameters, i, false,
        rest);
    store(FloatVector.zero(FLOATS), memory, gradient, i, false, rest);
  }

  /**
   * mean = keep mean + (1 - keep) g, to = share mean + (1 - share) g, and zeros for g: Muon's momentum, see
   * Optimiser.Muon.
   *
   * @param share 1 for the mean itself
   */
  static void runningMean(MemorySegment memory, long mean, long g, long to, float keep, float share,
      int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector each = load(memory, g, i, false);
      FloatVector m = load(memory, mean, i, false).mul(keep).add(each.mul(1 - keep));
      store(m, memory, mean, i, false);
      store(m.mul(share).add(each.mul(1 - share)), memory, to, i, false);
      store(FloatVector.zero(FLOATS), memory, g, i, false);
    }
    if (bound < size) {
      runningMeanRest(memory, mean, g, to, keep, share, bound, size);
    }
  }

  private static void runningMeanRest(MemorySegment memory, long mean, long g, long to, float keep,
      float share, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    FloatVector each = load(memory, g, i, false, rest);
    FloatVector m = load(memory, mean, i, false, rest).mul(keep).add(each.mul(1 - keep));
    store(m, memory, mean, i, false, rest);
    store(m.mul(share).add(each.mul(1 - share)), memory, to, i, false, rest);
    store(FloatVector.zero(FLOATS), memory, g, i, false, rest);
  }

  /** y = x * xShare + y * yShare, to full vectors. */
  static void blend(MemorySegment memory, long x, float xShare, long y, float yShare, int size) {
    for (int i = 0; i < size; i += LANES) {
      store(load(memory, x, i, false).mul(xShare).add(load(memory, y, i, false).mul(yShare)), memory, y, i,
          false);
    }
  }

  /** p = keep * p - factor * x. */
  static void step(MemorySegment memory, long p, long x, float factor, float keep, int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector change = load(memory, x, i, false).mul(factor);
      store(load(memory, p, i, false).mul(keep).sub(change), memory, p, i, false);
    }
    if (bound < size) {
      stepRest(memory, p, x, factor, keep, bound, size);
    }
  }

  private static void stepRest(MemorySegment memory, long p, long x, float factor, float keep, int i,
      int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    FloatVector change = load(memory, x, i, false, rest).mul(factor);
    store(load(memory, p, i, false, rest).mul(keep).sub(change), memory, p, i, false, rest);
  }

  /** x *= factor from one number to before another. */
  static void multiply(MemorySegment memory, long x, float factor, long from, long to) {
    long i = from;
    for (; i + LANES <= to; i += LANES) {
      store(load(memory, x, i, false).mul(factor), memory, x, i, false);
    }
    if (i < to) {
      multiplyRest(memory, x, factor, i, to);
    }
  }

  private static void multiplyRest(MemorySegment memory, long x, float factor, long i, long to) {
    VectorMask<Float> rest = Vectors.rest(i, to);
    store(load(memory, x, i, false, rest).mul(factor), memory, x, i, false, rest);
  }

  /** Sum of (a * b)^2. */
  static float squaresOfProduct(MemorySegment memory, long a, long b, int size) {
    int bound = FLOATS.loopBound(size);
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector each = load(memory, a, i, false).mul(load(memory, b, i, false));
      sum = each.fma(each, sum);
    }
    float whole = Vectors.sum(sum);
    return bound < size ? whole + squaresOfProductRest(memory, a, b, bound, size) : whole;
  }

  private static float squaresOfProductRest(MemorySegment memory, long a, long b, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    FloatVector each = load(memory, a, i, false, rest).mul(load(memory, b, i, false, rest));
    return Vectors.sum(each.mul(each));
  }

  /** p = keep * p - factor * g * columns, and zeros for g: a row of Adafactor's update, see Optimiser.Adafactor. */
  static void scaledStep(MemorySegment memory, long p, long g, long columns, float factor, float keep,
      int size) {
    int bound = FLOATS.loopBound(size);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector change = load(memory, g, i, false).mul(load(memory, columns, i, false)).mul(factor);
      store(load(memory, p, i, false).mul(keep).sub(change), memory, p, i, false);
      store(FloatVector.zero(FLOATS), memory, g, i, false);
    }
    if (bound < size) {
      scaledStepRest(memory, p, g, columns, factor, keep, bound, size);
    }
  }

  private static void scaledStepRest(MemorySegment memory, long p, long g, long columns, float factor,
      float keep, int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    FloatVector change = load(memory, g, i, false, rest).mul(load(memory, columns, i, false, rest))
        .mul(factor);
    store(load(memory, p, i, false, rest).mul(keep).sub(change), memory, p, i, false, rest);
    store(FloatVector.zero(FLOATS), memory, g, i, false, rest);
  }

  /** Rows of numbers, some vectors each, one behind the other. */
  static void takeRows(MemorySegment memory, long from, long rowBytes, long to, int rows, int size) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < size; i += LANES) {
        store(load(memory, from + r * rowBytes, i, false), memory, to, (long) r * size + i, false);
      }
    }
  }

  /** Rows of some vectors each to rows of fewer numbers. */
  static void giveRows(MemorySegment memory, long from, int apart, long to, long rowBytes, int rows,
      int size) {
    int bound = FLOATS.loopBound(size);
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < bound; i += LANES) {
        store(load(memory, from, (long) r * apart + i, false), memory, to + r * rowBytes, i, false);
      }
    }
    if (bound < size) {
      giveRests(memory, from, apart, to, rowBytes, rows, bound, size);
    }
  }

  private static void giveRests(MemorySegment memory, long from, int apart, long to, long rowBytes, int rows,
      int i, int size) {
    VectorMask<Float> rest = Vectors.rest(i, size);
    for (int r = 0; r < rows; r++) {
      store(load(memory, from, (long) r * apart + i, false), memory, to + r * rowBytes, i, false, rest);
    }
  }

  /** Of columns one vector wide the largest numbers, negated. */
  static void columnShifts(MemorySegment memory, long x, long rowBytes, int rows, long shifts) {
    FloatVector largest = load(memory, x, 0, false);
    for (int r = 1; r < rows; r++) {
      FloatVector each = load(memory, x + r * rowBytes, 0, false);
      largest = largest.blend(each, each.compare(VectorOperators.GT, largest));
    }
    store(largest.neg(), memory, shifts, 0, false);
  }

  /** x = e^(x + shift) down columns one vector wide, where shifts leave no exponent positive, and their sums. */
  static void columnExponentials(MemorySegment memory, long x, long rowBytes, int rows, long shifts,
      long sums) {
    FloatVector shift = load(memory, shifts, 0, false);
    FloatVector total = FloatVector.zero(FLOATS);
    for (int r = 0; r < rows; r++) {
      FloatVector e = Vectors.expOfFew(load(memory, x + r * rowBytes, 0, false).add(shift));
      store(e, memory, x + r * rowBytes, 0, false);
      total = total.add(e);
    }
    store(total, memory, sums, 0, false);
  }

  /** to = x * factor / sum down columns one vector wide. */
  static void scaleColumns(MemorySegment memory, long x, long rowBytes, int rows, long factors, long sums,
      long to, long toBytes, boolean bf16To) {
    FloatVector scale = load(memory, factors, 0, false).div(load(memory, sums, 0, false));
    for (int r = 0; r < rows; r++) {
      store(load(memory, x + r * rowBytes, 0, false).mul(scale), memory, to + r * toBytes, 0, bf16To);
    }
  }

  /** One vector: ln sum - shift - score, in the place of the scores. */
  static void columnLosses(MemorySegment memory, long shifts, long sums, long scores) {
    store(Vectors.log(load(memory, sums, 0, false))
        .sub(load(memory, shifts, 0, false))
        .sub(load(memory, scores, 0, false)), memory, scores, 0, false);
  }

  /**
   * Rows of full vectors in fp32, normalised: to = (x - mean) / deviation * gain + bias, and each row's mean and 1 /
   * deviation to statistics.
   */
  static void layerNorms(MemorySegment memory, long x, long gain, long bias, float epsilon, long to,
      long statistics, int rows, int size) {
    float share = 1f / size;
    for (int r = 0; r < rows; r++) {
      long row = (long) r * size;
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int i = 0; i < size; i += LANES) {
        sum = sum.add(load(memory, x, row + i, false));
      }
      FloatVector mean = Vectors.total(sum).mul(share);
      FloatVector squares = FloatVector.zero(FLOATS);
      for (int i = 0; i < size; i += LANES) {
        FloatVector centred = load(memory, x, row + i, false).sub(mean);
        squares = centred.fma(centred, squares);
      }
      FloatVector scale = FloatVector.broadcast(FLOATS, 1)
          .div(Vectors.total(squares).mul(share).add(epsilon).sqrt());
      memory.set(FLOAT, statistics + 8L * r, mean.lane(0));
      memory.set(FLOAT, statistics + 8L * r + 4, scale.lane(0));
      for (int i = 0; i < size; i += LANES) {
        FloatVector n = load(memory, x, row + i, false).sub(mean).mul(scale);
        store(n.fma(load(memory, gain, i, false), load(memory, bias, i, false)), memory, to, row + i, false);
      }
    }
  }

  /** The gradient of {@link #layerNorms} to x, of rows of full vectors; those of gain and bias are another loop's. */
  static void layerNormGradients(MemorySegment memory, long x, long statistics, long gain, long dOut, long to,
      int rows, int size) {
    float share = 1f / size;
    for (int r = 0; r < rows; r++) {
      long row = (long) r * size;
      float mean = memory.get(FLOAT, statistics + 8L * r);
      float scale = memory.get(FLOAT, statistics + 8L * r + 4);
      FloatVector sum = FloatVector.zero(FLOATS);
      FloatVector sumOfGn = FloatVector.zero(FLOATS);
      for (int i = 0; i < size; i += LANES) {
        FloatVector g = load(memory, dOut, row + i, false).mul(load(memory, gain, i, false));
        FloatVector n = load(memory, x, row + i, false).sub(mean).mul(scale);
        sum = sum.add(g);
        sumOfGn = g.fma(n, sumOfGn);
      }
      FloatVector meanOfG = Vectors.total(sum).mul(share);
      FloatVector meanOfGn = Vectors.total(sumOfGn).mul(share);
      for (int i = 0; i < size; i += LANES) {
        FloatVector g = load(memory, dOut, row + i, false).mul(load(memory, gain, i, false));
        FloatVector n = load(memory, x, row + i, false).sub(mean).mul(scale);
        store(g.sub(meanOfG).sub(n.mul(meanOfGn)).mul(scale), memory, to, row + i, false);
      }
    }
  }

  /**
   * Turns rows a vector at a time, where each vector has pairs (x[i], x[i + half]) in itself: to = x * cosines +
   * partners * sines, by one vector of cosines for each place in the window and, behind all of them, one of sines;
   * what is not turned has a cosine of one and a sine of zero.
   *
   * @param partners brings its partner to each lane
   * @param step numbers from one vector to be turned to the next
   */
  static void rotateWhole(MemorySegment memory, long x, long rowBytes, boolean bf16, int rows, int turned,
      int step, int length, MemorySegment table, int direction, VectorShuffle<Float> partners) {
    for (int r = 0; r < rows; r++) {
      int place = r % length * LANES;
      FloatVector cosine = load(table, 0, place, false);
      FloatVector sine = load(table, 4L * length * LANES, place, false).mul(direction);
      long row = x + r * rowBytes;
      for (int i = 0; i < turned; i += step) {
        FloatVector each = load(memory, row, i, bf16);
        store(each.mul(cosine).add(each.rearrange(partners).mul(sine)), memory, row, i, bf16);
      }
    }
  }

  /** Turns pairs of less than a vector, of fp32: see {@link #rotate}. */
  static void rotateFew(MemorySegment memory, long row, int columns, int width, int half, long cosines,
      long sines, int direction) {
    for (int head = 0; head < columns; head += width) {
      for (int i = 0; i < half; i++) {
        long left = row + 4L * (head + i);
        long right = left + 4L * half;
        float a = memory.get(FLOAT, left);
        float b = memory.get(FLOAT, right);
        float cosine = memory.get(FLOAT, cosines + 4L * i);
        float sine = memory.get(FLOAT, sines + 4L * i) * direction;
        memory.set(FLOAT, left, a * cosine - b * sine);
        memory.set(FLOAT, right, b * cosine + a * sine);
      }
    }
  }

  /** Turns pairs of less than a vector, of bf16: see {@link #rotate}. */
  static void rotateFewBf16(MemorySegment memory, long row, int columns, int width, int half, long cosines,
      long sines, int direction) {
    for (int head = 0; head < columns; head += width) {
      for (int i = 0; i < half; i++) {
        long left = row + 2L * (head + i);
        long right = left + 2L * half;
        float a = Vectors.widened(memory.get(SHORT, left));
        float b = Vectors.widened(memory.get(SHORT, right));
        float cosine = memory.get(FLOAT, cosines + 4L * i);
        float sine = memory.get(FLOAT, sines + 4L * i) * direction;
        memory.set(SHORT, left, Vectors.narrowed(a * cosine - b * sine));
        memory.set(SHORT, right, Vectors.narrowed(b * cosine + a * sine));
      }
    }
  }
}
