package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;
import static org.knowcap.models.engine.cpu.Vectors.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Attention's loops over strips of scores; a strip has as many columns as a vector has lanes. Parameters are
 * addresses, and strides are in bytes. As in {@link Tiles}, the caller must check the bounds.
 */
final class Strips {
  private static final MemorySegment ALL = Tiles.ALL;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  /** Lanes that transposing four by four by four by four is written for. */
  private static final int SQUARE = 16;

  private static final VectorShuffle<Float> BY_8 = exchanged(8);
  private static final VectorShuffle<Float> BY_4 = exchanged(4);
  private static final VectorShuffle<Float> BY_2 = exchanged(2);
  private static final VectorShuffle<Float> BY_1 = exchanged(1);
  private static final VectorMask<Float> UPPER_8 = upper(8);
  private static final VectorMask<Float> UPPER_4 = upper(4);
  private static final VectorMask<Float> UPPER_2 = upper(2);
  private static final VectorMask<Float> UPPER_1 = upper(1);

  private Strips() {}

  /** Exchanges groups of so many neighbouring lanes. */
  private static VectorShuffle<Float> exchanged(int lanes) {
    return VectorShuffle.fromOp(FLOATS, lane -> (lane ^ lanes) % LANES);
  }

  /** The upper group of each two. */
  private static VectorMask<Float> upper(int lanes) {
    boolean[] bits = new boolean[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      bits[lane] = (lane & lanes) != 0;
    }
    return VectorMask.fromArray(FLOATS, bits, 0);
  }

  /** Some columns of rows, both multiples of a vector's lanes, as rows. */
  static void transpose(long from, long fromRow, int rows, int columns, long to, long toRow) {
    for (int row = 0; row < rows; row += LANES) {
      for (int column = 0; column < columns; column += LANES) {
        long source = from + row * fromRow + 4L * column;
        long target = to + column * toRow + 4L * row;
        if (LANES == SQUARE) {
          exchangeFar(source, fromRow, target, toRow);
          exchangeNear(target, toRow);
        } else {
          oneByOne(source, fromRow, target, toRow);
        }
      }
    }
  }

  private static void oneByOne(long from, long fromRow, long to, long toRow) {
    for (int row = 0; row < LANES; row++) {
      for (int column = 0; column < LANES; column++) {
        ALL.set(FLOAT, to + column * toRow + 4L * row, ALL.get(FLOAT, from + row * fromRow + 4L * column));
      }
    }
  }

  /** Of a square of 16 the first half of transposing: exchanges its quarters, and theirs. */
  private static void exchangeFar(long from, long fromRow, long to, long toRow) {
    for (int row = 0; row < 4; row++) {
      long source = from + row * fromRow;
      FloatVector a = FloatVector.fromMemorySegment(FLOATS, ALL, source, ORDER);
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, ALL, source + 4 * fromRow, ORDER);
      FloatVector c = FloatVector.fromMemorySegment(FLOATS, ALL, source + 8 * fromRow, ORDER);
      FloatVector d = FloatVector.fromMemorySegment(FLOATS, ALL, source + 12 * fromRow, ORDER);
      FloatVector ac = a.blend(c.rearrange(BY_8), UPPER_8);
      FloatVector ca = a.rearrange(BY_8).blend(c, UPPER_8);
      FloatVector bd = b.blend(d.rearrange(BY_8), UPPER_8);
      FloatVector db = b.rearrange(BY_8).blend(d, UPPER_8);
      long target = to + row * toRow;
      ac.blend(bd.rearrange(BY_4), UPPER_4).intoMemorySegment(ALL, target, ORDER);
      ac.rearrange(BY_4).blend(bd, UPPER_4).intoMemorySegment(ALL, target + 4 * toRow, ORDER);
      ca.blend(db.rearrange(BY_4), UPPER_4).intoMemorySegment(ALL, target + 8 * toRow, ORDER);
      ca.rearrange(BY_4).blend(db, UPPER_4).intoMemorySegment(ALL, target + 12 * toRow, ORDER);
    }
  }

  /** The second half, in place. */
  private static void exchangeNear(long square, long rowBytes) {
    for (int row = 0; row < SQUARE; row += 4) {
      long at = square + row * rowBytes;
      FloatVector a = FloatVector.fromMemorySegment(FLOATS, ALL, at, ORDER);
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, ALL, at + rowBytes, ORDER);
      FloatVector c = FloatVector.fromMemorySegment(FLOATS, ALL, at + 2 * rowBytes, ORDER);
      FloatVector d = FloatVector.fromMemorySegment(FLOATS, ALL, at + 3 * rowBytes, ORDER);
      FloatVector ac = a.blend(c.rearrange(BY_2), UPPER_2);
      FloatVector ca = a.rearrange(BY_2).blend(c, UPPER_2);
      FloatVector bd = b.blend(d.rearrange(BY_2), UPPER_2);
      FloatVector db = b.rearrange(BY_2).blend(d, UPPER_2);
      ac.blend(bd.rearrange(BY_1), UPPER_1).intoMemorySegment(ALL, at, ORDER);
      ac.rearrange(BY_1).blend(bd, UPPER_1).intoMemorySegment(ALL, at + rowBytes, ORDER);
      ca.blend(db.rearrange(BY_1), UPPER_1).intoMemorySegment(ALL, at + 2 * rowBytes, ORDER);
      ca.rearrange(BY_1).blend(db, UPPER_1).intoMemorySegment(ALL, at + 3 * rowBytes, ORDER);
    }
  }

  /**
   * The largest x + mask of each column, times -scale: of the even and of the odd rows, an even number of both, so
   * that one comparison need not wait for the other.
   *
   * @param mask rows of one vector, one behind the other
   */
  static void shifts(long x, long rowBytes, int rows, long mask, float scale, long shifts) {
    FloatVector a = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
    FloatVector b = a;
    for (int r = 0; r < rows; r += 2) {
      FloatVector even = FloatVector.fromMemorySegment(FLOATS, ALL, x + r * rowBytes, ORDER)
          .add(FloatVector.fromMemorySegment(FLOATS, ALL, mask + 4L * LANES * r, ORDER));
      FloatVector odd = FloatVector.fromMemorySegment(FLOATS, ALL, x + (r + 1) * rowBytes, ORDER)
          .add(FloatVector.fromMemorySegment(FLOATS, ALL, mask + 4L * LANES * (r + 1), ORDER));
      a = a.blend(even, even.compare(VectorOperators.GT, a));
      b = b.blend(odd, odd.compare(VectorOperators.GT, b));
    }
    a.blend(b, b.compare(VectorOperators.GT, a)).mul(-scale).intoMemorySegment(ALL, shifts, ORDER);
  }

  /** x = e^((x + mask) * scale + shift), where shifts leave no exponent positive, and the columns' sums. */
  static void exponentials(long x, long rowBytes, int rows, long mask, float scale, long shifts, long sums,
      boolean rounded) {
    FloatVector shift = FloatVector.fromMemorySegment(FLOATS, ALL, shifts, ORDER);
    FloatVector factor = FloatVector.broadcast(FLOATS, scale);
    FloatVector total = FloatVector.zero(FLOATS);
    for (int r = 0; r < rows; r++) {
      FloatVector e = Vectors.expOfFew(FloatVector.fromMemorySegment(FLOATS, ALL, x + r * rowBytes, ORDER)
          .add(FloatVector.fromMemorySegment(FLOATS, ALL, mask + 4L * LANES * r, ORDER))
          .fma(factor, shift));
      total = total.add(e);
      (rounded ? Vectors.rounded(e) : e).intoMemorySegment(ALL, x + r * rowBytes, ORDER);
    }
    total.intoMemorySegment(ALL, sums, ORDER);
  }

  /** One vector: shift - ln sum, which makes e^(x * scale + it) weights, and 1 / sum in the place of the sum. */
  static void normalisers(long shifts, long sums, long kept) {
    FloatVector sum = FloatVector.fromMemorySegment(FLOATS, ALL, sums, ORDER);
    FloatVector.fromMemorySegment(FLOATS, ALL, shifts, ORDER)
        .sub(Vectors.log(sum))
        .intoMemorySegment(ALL, kept, ORDER);
    FloatVector.broadcast(FLOATS, 1).div(sum).intoMemorySegment(ALL, sums, ORDER);
  }

  /** Rows of some full vectors, each times a factor of its own. */
  static void scaleRows(long x, long rowBytes, int rows, int columns, long factors) {
    for (int r = 0; r < rows; r++) {
      FloatVector factor = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, factors + 4L * r));
      long at = x + r * rowBytes;
      for (int i = 0; i < columns; i += LANES) {
        FloatVector.fromMemorySegment(FLOATS, ALL, at + 4L * i, ORDER)
            .mul(factor)
            .intoMemorySegment(ALL, at + 4L * i, ORDER);
      }
    }
  }

  /** x = e^((x + mask) * scale + shift), where shifts make that weights, and the columns' sums of x * y. */
  static void weights(long x, long y, long rowBytes, int rows, long mask, float scale, long shifts,
      long means) {
    FloatVector shift = FloatVector.fromMemorySegment(FLOATS, ALL, shifts, ORDER);
    FloatVector factor = FloatVector.broadcast(FLOATS, scale);
    FloatVector total = FloatVector.zero(FLOATS);
    for (int r = 0; r < rows; r++) {
      FloatVector e = Vectors.expOfFew(FloatVector.fromMemorySegment(FLOATS, ALL, x + r * rowBytes, ORDER)
          .add(FloatVector.fromMemorySegment(FLOATS, ALL, mask + 4L * LANES * r, ORDER))
          .fma(factor, shift));
      e.intoMemorySegment(ALL, x + r * rowBytes, ORDER);
      total = e.fma(FloatVector.fromMemorySegment(FLOATS, ALL, y + r * rowBytes, ORDER), total);
    }
    total.intoMemorySegment(ALL, means, ORDER);
  }

  /** dWeight = weight * scale * (dWeight - mean); both are rounded to bf16 if they go into products so. */
  static void gradients(long weights, long dWeights, long rowBytes, int rows, float scale, long means,
      boolean rounded) {
    FloatVector mean = FloatVector.fromMemorySegment(FLOATS, ALL, means, ORDER);
    for (int r = 0; r < rows; r++) {
      FloatVector weight = FloatVector.fromMemorySegment(FLOATS, ALL, weights + r * rowBytes, ORDER);
      FloatVector gradient = weight.mul(scale)
          .mul(FloatVector.fromMemorySegment(FLOATS, ALL, dWeights + r * rowBytes, ORDER).sub(mean));
      if (rounded) {
        Vectors.rounded(weight).intoMemorySegment(ALL, weights + r * rowBytes, ORDER);
        Vectors.rounded(gradient).intoMemorySegment(ALL, dWeights + r * rowBytes, ORDER);
      } else {
        gradient.intoMemorySegment(ALL, dWeights + r * rowBytes, ORDER);
      }
    }
  }
}
