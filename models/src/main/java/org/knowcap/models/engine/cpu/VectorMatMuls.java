package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Matmuls in the Vector API, for machines on which no native library loads. b is copied into panels two vectors wide,
 * then tiles of four rows by one panel are summed in registers. fp32 only.
 */
final class VectorMatMuls implements MatMuls {
  /** Rows of a tile. */
  private static final int TILE = 4;
  /** Columns of a panel. */
  private static final int PANEL = 2 * LANES;

  private final MemorySegment memory;
  private final Arena arena = Arena.ofShared();
  private MemorySegment panel = arena.allocate(64, 64);

  VectorMatMuls(MemorySegment memory) {
    this.memory = memory;
  }

  @Override
  public Runnable matmul(Matrix a, Matrix b, Optional<Matrix> bias, Matrix out, boolean accumulate) {
    prepare(a, b, out);
    return () -> {
      for (int i = 0; i < out.count(); i++) {
        multiply(a.single(i), b.single(i), bias, out.single(i), accumulate);
      }
    };
  }

  @Override
  public Movable movable(Matrix a, Matrix b, Optional<Matrix> bias, Matrix out, boolean accumulate) {
    prepare(a, b, out);
    return (aAt, bAt, biasAt, outAt) -> multiply(a.moved(aAt), b.moved(bAt),
        bias.map(row -> row.moved(biasAt)), out.moved(outAt), accumulate);
  }

  private void prepare(Matrix a, Matrix b, Matrix out) {
    if (a.isBf16() || b.isBf16() || out.isBf16()) {
      throw new IllegalArgumentException("the Vector API's products are fp32 only");
    }
    long needed = 4L * b.rows() * PANEL;
    if (needed > panel.byteSize()) {
      panel = arena.allocate(needed, 64);
    }
  }

  private void multiply(Matrix a, Matrix b, Optional<Matrix> bias, Matrix out, boolean accumulate) {
    for (int column = 0; column < out.columns(); column += PANEL) {
      pack(b, column);
      int columns = Math.min(PANEL, out.columns() - column);
      VectorMask<Float> left = FLOATS.indexInRange(0, columns);
      VectorMask<Float> right = FLOATS.indexInRange(LANES, columns);
      FloatVector startLeft = FloatVector.zero(FLOATS);
      FloatVector startRight = FloatVector.zero(FLOATS);
      if (bias.isPresent()) {
        startLeft = Vectors.load(memory, bias.get().offset(), column, false, left);
        startRight = Vectors.load(memory, bias.get().offset(), column + LANES, false, right);
      }
      int row = 0;
      for (; row + TILE <= out.rows(); row += TILE) {
        tile(a, row, b.rows(), startLeft, startRight, out, column, left, right, accumulate);
      }
      for (; row < out.rows(); row++) {
        line(a, row, b.rows(), startLeft, startRight, out, column, left, right, accumulate);
      }
    }
  }

  /** Columns of b from one on, [k, PANEL] with zeros behind the last. */
  private void pack(Matrix b, int column) {
    int columns = Math.min(PANEL, b.columns() - column);
    for (int k = 0; k < b.rows(); k++) {
      long to = 4L * k * PANEL;
      for (int j = 0; j < columns; j++) {
        panel.set(ValueLayout.JAVA_FLOAT, to + 4 * j,
            memory.get(ValueLayout.JAVA_FLOAT, b.at(k, column + j)));
      }
      for (int j = columns; j < PANEL; j++) {
        panel.set(ValueLayout.JAVA_FLOAT, to + 4 * j, 0);
      }
    }
  }

  private void tile(Matrix a, int row, int depth, FloatVector startLeft, FloatVector startRight, Matrix out,
      int column, VectorMask<Float> left, VectorMask<Float> right, boolean accumulate) {
    FloatVector l0 = startLeft;
    FloatVector l1 = startLeft;
    FloatVector l2 = startLeft;
    FloatVector l3 = startLeft;
    FloatVector r0 = startRight;
    FloatVector r1 = startRight;
    FloatVector r2 = startRight;
    FloatVector r3 = startRight;
    long a0 = a.at(row, 0);
    long a1 = a.at(row + 1, 0);
    long a2 = a.at(row + 2, 0);
    long a3 = a.at(row + 3, 0);
    long stride = 4 * a.columnStride();
    long at = 0;
    long to = 0;
    for (int k = 0; k < depth; k++) {
      FloatVector l = FloatVector.fromMemorySegment(FLOATS, panel, at, Vectors.ORDER);
      FloatVector r = FloatVector.fromMemorySegment(FLOATS, panel, at + 4L * LANES, Vectors.ORDER);
      FloatVector x = FloatVector.broadcast(FLOATS, memory.get(ValueLayout.JAVA_FLOAT, a0 + to));
      l0 = x.fma(l, l0);
      r0 = x.fma(r, r0);
      x = FloatVector.broadcast(FLOATS, memory.get(ValueLayout.JAVA_FLOAT, a1 + to));
      l1 = x.fma(l, l1);
      r1 = x.fma(r, r1);
      x = FloatVector.broadcast(FLOATS, memory.get(ValueLayout.JAVA_FLOAT, a2 + to));
      l2 = x.fma(l, l2);
      r2 = x.fma(r, r2);
      x = FloatVector.broadcast(FLOATS, memory.get(ValueLayout.JAVA_FLOAT, a3 + to));
      l3 = x.fma(l, l3);
      r3 = x.fma(r, r3);
      at += 4L * PANEL;
      to += stride;
    }
    put(l0, out.at(row, column), left, accumulate);
    put(r0, out.at(row, column) + 4L * LANES, right, accumulate);
    put(l1, out.at(row + 1, column), left, accumulate);
    put(r1, out.at(row + 1, column) + 4L * LANES, right, accumulate);
    put(l2, out.at(row + 2, column), left, accumulate);
    put(r2, out.at(row + 2, column) + 4L * LANES, right, accumulate);
    put(l3, out.at(row + 3, column), left, accumulate);
    put(r3, out.at(row + 3, column) + 4L * LANES, right, accumulate);
  }

  private void line(Matrix a, int row, int depth, FloatVector startLeft, FloatVector startRight, Matrix out,
      int column, VectorMask<Float> left, VectorMask<Float> right, boolean accumulate) {
    FloatVector l0 = startLeft;
    FloatVector r0 = startRight;
    for (int k = 0; k < depth; k++) {
      FloatVector x = FloatVector.broadcast(FLOATS, memory.get(ValueLayout.JAVA_FLOAT, a.at(row, k)));
      l0 = x.fma(FloatVector.fromMemorySegment(FLOATS, panel, 4L * k * PANEL, Vectors.ORDER), l0);
      r0 = x.fma(FloatVector.fromMemorySegment(FLOATS, panel, 4L * (k * PANEL + LANES), Vectors.ORDER), r0);
    }
    put(l0, out.at(row, column), left, accumulate);
    put(r0, out.at(row, column) + 4L * LANES, right, accumulate);
  }

  private void put(FloatVector sum, long at, VectorMask<Float> mask, boolean accumulate) {
    FloatVector x = accumulate ? sum.add(Vectors.load(memory, at, 0, false, mask)) : sum;
    Vectors.store(x, memory, at, 0, false, mask);
  }

  @Override
  public void close() {
    arena.close();
  }
}
