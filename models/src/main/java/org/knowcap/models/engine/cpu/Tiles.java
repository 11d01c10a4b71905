package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;
import static org.knowcap.models.engine.cpu.Vectors.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;

/**
 * Small matmuls in fp32, out = a b, by tiles of some rows and some vectors of columns. The sums of a tile stay in
 * registers while the loop runs over a's columns and b's rows. Tiles are written out, loads and stores included.
 * Java's compiler does not keep arrays of vectors in registers; in methods as large as these it does not even keep
 * vectors that another method returns, inlined or not.
 */
// The segment of all memory; multiply checks the bounds of the session's.
@SuppressWarnings("restricted")
final class Tiles {
  /** Bytes of a vector. */
  private static final long VECTOR = 4L * LANES;
  /** The most vectors that a tile is wide: one of 16 sums, with its operands, fills no more than 32 registers. */
  private static final int WIDEST = 4;
  /** Machines with vectors of 16 floats have 32 registers for them; others may have 16. */
  private static final boolean WIDE = LANES >= 16;

  /**
   * All of the process's memory, by address. It is a constant, so that the compiler knows its class. The class of a
   * segment that is passed is unknown as soon as anything in the process has made a segment on the heap, and the
   * compiler then puts vectors on the heap too.
   */
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private Tiles() {}

  /**
   * A matmul of a number of rows that is a multiple of eight, with columns that are full vectors. All places and
   * strides are in bytes.
   *
   * @param a [rows, depth]
   * @param aRow from one row to the next
   * @param aColumn from one column to the next
   */
  static void multiply(MemorySegment memory, long a, long aRow, long aColumn, long b, long bRow, int depth,
      long out, long outRow, int rows, int vectors) {
    check(memory, a, (rows - 1) * aRow + (depth - 1) * aColumn + Float.BYTES);
    check(memory, b, (depth - 1) * bRow + vectors * VECTOR);
    check(memory, out, (rows - 1) * outRow + vectors * VECTOR);
    long base = memory.address();
    int panels = Math.ceilDiv(vectors, WIDE ? WIDEST : 1);
    int done = 0;
    for (int panel = 0; panel < panels; panel++) {
      int width = (vectors - done) / (panels - panel);
      long columns = done * VECTOR;
      tiles(width, base + a, aRow, aColumn, base + b + columns, bRow, depth, base + out + columns, outRow,
          rows);
      done += width;
    }
  }

  private static void check(MemorySegment memory, long from, long bytes) {
    Objects.checkFromIndexSize(from, bytes, memory.byteSize());
  }

  private static void tiles(int width, long a, long aRow, long aColumn, long b, long bRow, int depth,
      long out, long outRow, int rows) {
    switch (width) {
      case 1 -> {
        if (WIDE && rows % 16 == 0) {
          sixteenByOne(a, aRow, aColumn, b, bRow, depth, out, outRow, rows / 16);
        } else {
          eightByOne(a, aRow, aColumn, b, bRow, depth, out, outRow, rows / 8);
        }
      }
      case 2 -> eightByTwo(a, aRow, aColumn, b, bRow, depth, out, outRow, rows / 8);
      case 3 -> fourByThree(a, aRow, aColumn, b, bRow, depth, out, outRow, rows / 4);
      case 4 -> fourByFour(a, aRow, aColumn, b, bRow, depth, out, outRow, rows / 4);
      default -> throw new IllegalArgumentException("no tile is " + width + " vectors wide");
    }
  }

  /** Sixteen rows by one vector, and as many more such tiles below. */
  private static void sixteenByOne(long a, long aRow, long aColumn, long b, long bRow, int depth, long out,
      long outRow, int tiles) {
    for (int tile = 0; tile < tiles; tile++) {
      FloatVector x00 = FloatVector.zero(FLOATS);
      FloatVector x10 = FloatVector.zero(FLOATS);
      FloatVector x20 = FloatVector.zero(FLOATS);
      FloatVector x30 = FloatVector.zero(FLOATS);
      FloatVector x40 = FloatVector.zero(FLOATS);
      FloatVector x50 = FloatVector.zero(FLOATS);
      FloatVector x60 = FloatVector.zero(FLOATS);
      FloatVector x70 = FloatVector.zero(FLOATS);
      FloatVector x80 = FloatVector.zero(FLOATS);
      FloatVector x90 = FloatVector.zero(FLOATS);
      FloatVector x100 = FloatVector.zero(FLOATS);
      FloatVector x110 = FloatVector.zero(FLOATS);
      FloatVector x120 = FloatVector.zero(FLOATS);
      FloatVector x130 = FloatVector.zero(FLOATS);
      FloatVector x140 = FloatVector.zero(FLOATS);
      FloatVector x150 = FloatVector.zero(FLOATS);
      long aAt = a + tile * 16 * aRow;
      long bAt = b;
      for (int k = 0; k < depth; k++) {
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 0 * VECTOR, ORDER);
        FloatVector n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt));
        x00 = n.fma(b0, x00);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + aRow));
        x10 = n.fma(b0, x10);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 2 * aRow));
        x20 = n.fma(b0, x20);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 3 * aRow));
        x30 = n.fma(b0, x30);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 4 * aRow));
        x40 = n.fma(b0, x40);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 5 * aRow));
        x50 = n.fma(b0, x50);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 6 * aRow));
        x60 = n.fma(b0, x60);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 7 * aRow));
        x70 = n.fma(b0, x70);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 8 * aRow));
        x80 = n.fma(b0, x80);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 9 * aRow));
        x90 = n.fma(b0, x90);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 10 * aRow));
        x100 = n.fma(b0, x100);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 11 * aRow));
        x110 = n.fma(b0, x110);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 12 * aRow));
        x120 = n.fma(b0, x120);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 13 * aRow));
        x130 = n.fma(b0, x130);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 14 * aRow));
        x140 = n.fma(b0, x140);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 15 * aRow));
        x150 = n.fma(b0, x150);
        aAt += aColumn;
        bAt += bRow;
      }
      long to = out + tile * 16 * outRow;
      x00.intoMemorySegment(ALL, to + 0 * VECTOR, ORDER);
      x10.intoMemorySegment(ALL, to + outRow + 0 * VECTOR, ORDER);
      x20.intoMemorySegment(ALL, to + 2 * outRow + 0 * VECTOR, ORDER);
      x30.intoMemorySegment(ALL, to + 3 * outRow + 0 * VECTOR, ORDER);
      x40.intoMemorySegment(ALL, to + 4 * outRow + 0 * VECTOR, ORDER);
      x50.intoMemorySegment(ALL, to + 5 * outRow + 0 * VECTOR, ORDER);
      x60.intoMemorySegment(ALL, to + 6 * outRow + 0 * VECTOR, ORDER);
      x70.intoMemorySegment(ALL, to + 7 * outRow + 0 * VECTOR, ORDER);
      x80.intoMemorySegment(ALL, to + 8 * outRow + 0 * VECTOR, ORDER);
      x90.intoMemorySegment(ALL, to + 9 * outRow + 0 * VECTOR, ORDER);
      x100.intoMemorySegment(ALL, to + 10 * outRow + 0 * VECTOR, ORDER);
      x110.intoMemorySegment(ALL, to + 11 * outRow + 0 * VECTOR, ORDER);
      x120.intoMemorySegment(ALL, to + 12 * outRow + 0 * VECTOR, ORDER);
      x130.intoMemorySegment(ALL, to + 13 * outRow + 0 * VECTOR, ORDER);
      x140.intoMemorySegment(ALL, to + 14 * outRow + 0 * VECTOR, ORDER);
      x150.intoMemorySegment(ALL, to + 15 * outRow + 0 * VECTOR, ORDER);
    }
  }

  /** Eight rows by one vector, and as many more such tiles below. */
  private static void eightByOne(long a, long aRow, long aColumn, long b, long bRow, int depth, long out,
      long outRow, int tiles) {
    for (int tile = 0; tile < tiles; tile++) {
      FloatVector x00 = FloatVector.zero(FLOATS);
      FloatVector x10 = FloatVector.zero(FLOATS);
      FloatVector x20 = FloatVector.zero(FLOATS);
      FloatVector x30 = FloatVector.zero(FLOATS);
      FloatVector x40 = FloatVector.zero(FLOATS);
      FloatVector x50 = FloatVector.zero(FLOATS);
      FloatVector x60 = FloatVector.zero(FLOATS);
      FloatVector x70 = FloatVector.zero(FLOATS);
      long aAt = a + tile * 8 * aRow;
      long bAt = b;
      for (int k = 0; k < depth; k++) {
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 0 * VECTOR, ORDER);
        FloatVector n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt));
        x00 = n.fma(b0, x00);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + aRow));
        x10 = n.fma(b0, x10);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 2 * aRow));
        x20 = n.fma(b0, x20);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 3 * aRow));
        x30 = n.fma(b0, x30);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 4 * aRow));
        x40 = n.fma(b0, x40);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 5 * aRow));
        x50 = n.fma(b0, x50);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 6 * aRow));
        x60 = n.fma(b0, x60);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 7 * aRow));
        x70 = n.fma(b0, x70);
        aAt += aColumn;
        bAt += bRow;
      }
      long to = out + tile * 8 * outRow;
      x00.intoMemorySegment(ALL, to + 0 * VECTOR, ORDER);
      x10.intoMemorySegment(ALL, to + outRow + 0 * VECTOR, ORDER);
      x20.intoMemorySegment(ALL, to + 2 * outRow + 0 * VECTOR, ORDER);
      x30.intoMemorySegment(ALL, to + 3 * outRow + 0 * VECTOR, ORDER);
      x40.intoMemorySegment(ALL, to + 4 * outRow + 0 * VECTOR, ORDER);
      x50.intoMemorySegment(ALL, to + 5 * outRow + 0 * VECTOR, ORDER);
      x60.intoMemorySegment(ALL, to + 6 * outRow + 0 * VECTOR, ORDER);
      x70.intoMemorySegment(ALL, to + 7 * outRow + 0 * VECTOR, ORDER);
    }
  }

  /** Eight rows by two vectors, and as many more such tiles below. */
  private static void eightByTwo(long a, long aRow, long aColumn, long b, long bRow, int depth, long out,
      long outRow, int tiles) {
    for (int tile = 0; tile < tiles; tile++) {
      FloatVector x00 = FloatVector.zero(FLOATS);
      FloatVector x01 = FloatVector.zero(FLOATS);
      FloatVector x10 = FloatVector.zero(FLOATS);
      FloatVector x11 = FloatVector.zero(FLOATS);
      FloatVector x20 = FloatVector.zero(FLOATS);
      FloatVector x21 = FloatVector.zero(FLOATS);
      FloatVector x30 = FloatVector.zero(FLOATS);
      FloatVector x31 = FloatVector.zero(FLOATS);
      FloatVector x40 = FloatVector.zero(FLOATS);
      FloatVector x41 = FloatVector.zero(FLOATS);
      FloatVector x50 = FloatVector.zero(FLOATS);
      FloatVector x51 = FloatVector.zero(FLOATS);
      FloatVector x60 = FloatVector.zero(FLOATS);
      FloatVector x61 = FloatVector.zero(FLOATS);
      FloatVector x70 = FloatVector.zero(FLOATS);
      FloatVector x71 = FloatVector.zero(FLOATS);
      long aAt = a + tile * 8 * aRow;
      long bAt = b;
      for (int k = 0; k < depth; k++) {
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 0 * VECTOR, ORDER);
        FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 1 * VECTOR, ORDER);
        FloatVector n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt));
        x00 = n.fma(b0, x00);
        x01 = n.fma(b1, x01);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + aRow));
        x10 = n.fma(b0, x10);
        x11 = n.fma(b1, x11);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 2 * aRow));
        x20 = n.fma(b0, x20);
        x21 = n.fma(b1, x21);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 3 * aRow));
        x30 = n.fma(b0, x30);
        x31 = n.fma(b1, x31);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 4 * aRow));
        x40 = n.fma(b0, x40);
        x41 = n.fma(b1, x41);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 5 * aRow));
        x50 = n.fma(b0, x50);
        x51 = n.fma(b1, x51);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 6 * aRow));
        x60 = n.fma(b0, x60);
        x61 = n.fma(b1, x61);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 7 * aRow));
        x70 = n.fma(b0, x70);
        x71 = n.fma(b1, x71);
        aAt += aColumn;
        bAt += bRow;
      }
      long to = out + tile * 8 * outRow;
      x00.intoMemorySegment(ALL, to + 0 * VECTOR, ORDER);
      x01.intoMemorySegment(ALL, to + 1 * VECTOR, ORDER);
      x10.intoMemorySegment(ALL, to + outRow + 0 * VECTOR, ORDER);
      x11.intoMemorySegment(ALL, to + outRow + 1 * VECTOR, ORDER);
      x20.intoMemorySegment(ALL, to + 2 * outRow + 0 * VECTOR, ORDER);
      x21.intoMemorySegment(ALL, to + 2 * outRow + 1 * VECTOR, ORDER);
      x30.intoMemorySegment(ALL, to + 3 * outRow + 0 * VECTOR, ORDER);
      x31.intoMemorySegment(ALL, to + 3 * outRow + 1 * VECTOR, ORDER);
      x40.intoMemorySegment(ALL, to + 4 * outRow + 0 * VECTOR, ORDER);
      x41.intoMemorySegment(ALL, to + 4 * outRow + 1 * VECTOR, ORDER);
      x50.intoMemorySegment(ALL, to + 5 * outRow + 0 * VECTOR, ORDER);
      x51.intoMemorySegment(ALL, to + 5 * outRow + 1 * VECTOR, ORDER);
      x60.intoMemorySegment(ALL, to + 6 * outRow + 0 * VECTOR, ORDER);
      x61.intoMemorySegment(ALL, to + 6 * outRow + 1 * VECTOR, ORDER);
      x70.intoMemorySegment(ALL, to + 7 * outRow + 0 * VECTOR, ORDER);
      x71.intoMemorySegment(ALL, to + 7 * outRow + 1 * VECTOR, ORDER);
    }
  }

  /** Four rows by three vectors, and as many more such tiles below. */
  private static void fourByThree(long a, long aRow, long aColumn, long b, long bRow, int depth, long out,
      long outRow, int tiles) {
    for (int tile = 0; tile < tiles; tile++) {
      FloatVector x00 = FloatVector.zero(FLOATS);
      FloatVector x01 = FloatVector.zero(FLOATS);
      FloatVector x02 = FloatVector.zero(FLOATS);
      FloatVector x10 = FloatVector.zero(FLOATS);
      FloatVector x11 = FloatVector.zero(FLOATS);
      FloatVector x12 = FloatVector.zero(FLOATS);
      FloatVector x20 = FloatVector.zero(FLOATS);
      FloatVector x21 = FloatVector.zero(FLOATS);
      FloatVector x22 = FloatVector.zero(FLOATS);
      FloatVector x30 = FloatVector.zero(FLOATS);
      FloatVector x31 = FloatVector.zero(FLOATS);
      FloatVector x32 = FloatVector.zero(FLOATS);
      long aAt = a + tile * 4 * aRow;
      long bAt = b;
      for (int k = 0; k < depth; k++) {
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 0 * VECTOR, ORDER);
        FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 1 * VECTOR, ORDER);
        FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 2 * VECTOR, ORDER);
        FloatVector n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt));
        x00 = n.fma(b0, x00);
        x01 = n.fma(b1, x01);
        x02 = n.fma(b2, x02);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + aRow));
        x10 = n.fma(b0, x10);
        x11 = n.fma(b1, x11);
        x12 = n.fma(b2, x12);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 2 * aRow));
        x20 = n.fma(b0, x20);
        x21 = n.fma(b1, x21);
        x22 = n.fma(b2, x22);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 3 * aRow));
        x30 = n.fma(b0, x30);
        x31 = n.fma(b1, x31);
        x32 = n.fma(b2, x32);
        aAt += aColumn;
        bAt += bRow;
      }
      long to = out + tile * 4 * outRow;
      x00.intoMemorySegment(ALL, to + 0 * VECTOR, ORDER);
      x01.intoMemorySegment(ALL, to + 1 * VECTOR, ORDER);
      x02.intoMemorySegment(ALL, to + 2 * VECTOR, ORDER);
      x10.intoMemorySegment(ALL, to + outRow + 0 * VECTOR, ORDER);
      x11.intoMemorySegment(ALL, to + outRow + 1 * VECTOR, ORDER);
      x12.intoMemorySegment(ALL, to + outRow + 2 * VECTOR, ORDER);
      x20.intoMemorySegment(ALL, to + 2 * outRow + 0 * VECTOR, ORDER);
      x21.intoMemorySegment(ALL, to + 2 * outRow + 1 * VECTOR, ORDER);
      x22.intoMemorySegment(ALL, to + 2 * outRow + 2 * VECTOR, ORDER);
      x30.intoMemorySegment(ALL, to + 3 * outRow + 0 * VECTOR, ORDER);
      x31.intoMemorySegment(ALL, to + 3 * outRow + 1 * VECTOR, ORDER);
      x32.intoMemorySegment(ALL, to + 3 * outRow + 2 * VECTOR, ORDER);
    }
  }

  /** Four rows by four vectors, and as many more such tiles below. */
  private static void fourByFour(long a, long aRow, long aColumn, long b, long bRow, int depth, long out,
      long outRow, int tiles) {
    for (int tile = 0; tile < tiles; tile++) {
      FloatVector x00 = FloatVector.zero(FLOATS);
      FloatVector x01 = FloatVector.zero(FLOATS);
      FloatVector x02 = FloatVector.zero(FLOATS);
      FloatVector x03 = FloatVector.zero(FLOATS);
      FloatVector x10 = FloatVector.zero(FLOATS);
      FloatVector x11 = FloatVector.zero(FLOATS);
      FloatVector x12 = FloatVector.zero(FLOATS);
      FloatVector x13 = FloatVector.zero(FLOATS);
      FloatVector x20 = FloatVector.zero(FLOATS);
      FloatVector x21 = FloatVector.zero(FLOATS);
      FloatVector x22 = FloatVector.zero(FLOATS);
      FloatVector x23 = FloatVector.zero(FLOATS);
      FloatVector x30 = FloatVector.zero(FLOATS);
      FloatVector x31 = FloatVector.zero(FLOATS);
      FloatVector x32 = FloatVector.zero(FLOATS);
      FloatVector x33 = FloatVector.zero(FLOATS);
      long aAt = a + tile * 4 * aRow;
      long bAt = b;
      for (int k = 0; k < depth; k++) {
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 0 * VECTOR, ORDER);
        FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 1 * VECTOR, ORDER);
        FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 2 * VECTOR, ORDER);
        FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, ALL, bAt + 3 * VECTOR, ORDER);
        FloatVector n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt));
        x00 = n.fma(b0, x00);
        x01 = n.fma(b1, x01);
        x02 = n.fma(b2, x02);
        x03 = n.fma(b3, x03);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + aRow));
        x10 = n.fma(b0, x10);
        x11 = n.fma(b1, x11);
        x12 = n.fma(b2, x12);
        x13 = n.fma(b3, x13);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 2 * aRow));
        x20 = n.fma(b0, x20);
        x21 = n.fma(b1, x21);
        x22 = n.fma(b2, x22);
        x23 = n.fma(b3, x23);
        n = FloatVector.broadcast(FLOATS, ALL.get(FLOAT, aAt + 3 * aRow));
        x30 = n.fma(b0, x30);
        x31 = n.fma(b1, x31);
        x32 = n.fma(b2, x32);
        x33 = n.fma(b3, x33);
        aAt += aColumn;
        bAt += bRow;
      }
      long to = out + tile * 4 * outRow;
      x00.intoMemorySegment(ALL, to + 0 * VECTOR, ORDER);
      x01.intoMemorySegment(ALL, to + 1 * VECTOR, ORDER);
      x02.intoMemorySegment(ALL, to + 2 * VECTOR, ORDER);
      x03.intoMemorySegment(ALL, to + 3 * VECTOR, ORDER);
      x10.intoMemorySegment(ALL, to + outRow + 0 * VECTOR, ORDER);
      x11.intoMemorySegment(ALL, to + outRow + 1 * VECTOR, ORDER);
      x12.intoMemorySegment(ALL, to + outRow + 2 * VECTOR, ORDER);
      x13.intoMemorySegment(ALL, to + outRow + 3 * VECTOR, ORDER);
      x20.intoMemorySegment(ALL, to + 2 * outRow + 0 * VECTOR, ORDER);
      x21.intoMemorySegment(ALL, to + 2 * outRow + 1 * VECTOR, ORDER);
      x22.intoMemorySegment(ALL, to + 2 * outRow + 2 * VECTOR, ORDER);
      x23.intoMemorySegment(ALL, to + 2 * outRow + 3 * VECTOR, ORDER);
      x30.intoMemorySegment(ALL, to + 3 * outRow + 0 * VECTOR, ORDER);
      x31.intoMemorySegment(ALL, to + 3 * outRow + 1 * VECTOR, ORDER);
      x32.intoMemorySegment(ALL, to + 3 * outRow + 2 * VECTOR, ORDER);
      x33.intoMemorySegment(ALL, to + 3 * outRow + 3 * VECTOR, ORDER);
    }
  }
}
