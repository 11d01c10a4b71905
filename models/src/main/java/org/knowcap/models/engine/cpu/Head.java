package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.engine.Targets;
import org.knowcap.models.engine.lowering.DType;

/**
 * The model's last matmul, the cross-entropy, and the gradients of both, for a few rows at a time: only the logits
 * of these rows are in memory, and their gradient overwrites them.
 */
final class Head {
  /** Rows whose logits exist at a time. */
  private static final int CHUNK = 128;
  /**
   * The largest vocabulary whose logits are transposed, [V, rows], in training. The softmax of as many rows as a
   * vector has lanes then runs down columns, and needs no sums across lanes. With a larger vocabulary the logits
   * would pass through the cache more often.
   */
  private static final int MOST_TRANSPOSED = 512;
  /**
   * Numbers from one transposed row to the next. It is not a power of two, because such rows would share few sets of
   * the cache.
   */
  private static final int APART = CHUNK + 16;
  private static final int MOST_LANES = 16;
  /** Vectors of work space beside the logits. */
  private static final int VECTORS = 3;

  private final MemorySegment memory;
  private final MatMuls matmuls;
  private final long targets;
  private final long share;
  private final long losses;
  private final long predictions;
  private final long work;
  private final DType dtype;

  /**
   * Where the gradients of a training step go: of x [slice rows, d], and of the weight and of the bias if these are trained.
   */
  record Gradients(Matrix dX, Optional<Matrix> dWeight, Optional<Matrix> dBias) {}

  /**
   * @param targets offset of the batch's target ids, int32 [R]
   * @param share offset of what each target contributes to the mean loss, fp32
   * @param losses offset of the batch's losses in nats, fp32 [R]
   * @param predictions offset of the batch's most likely tokens, int32 [R]; written where there are no gradients
   * @param work offset of {@link #workSize} floats
   * @param dtype how gradients of logits go into products
   */
  Head(MemorySegment memory, MatMuls matmuls, long targets, long share, long losses, long predictions,
      long work, DType dtype) {
    this.memory = memory;
    this.matmuls = matmuls;
    this.targets = targets;
    this.share = share;
    this.losses = losses;
    this.predictions = predictions;
    this.work = work;
    this.dtype = dtype;
  }

  /** Floats of work space: a chunk's logits, and in bf16 their gradient as well. */
  static long workSize(int vocabulary, DType dtype) {
    long rows = (dtype.isBf16() ? 3 : 2) * (long) CHUNK * Matrix.stride(vocabulary, dtype) / 2;
    return vocabulary > MOST_TRANSPOSED
        ? rows
        : Math.max(rows, (dtype.isBf16() ? 3 : 2) * (vocabulary + 1L) * APART / 2 + VECTORS * MOST_LANES);
  }

  /**
   * Losses of the slice's rows, and gradients of the step's mean loss if asked for.
   *
   * @param x [slice rows, d]
   * @param weight [d, V]
   * @param bias [1, V]
   */
  Kernel run(Matrix x, Matrix weight, Optional<Matrix> bias, Optional<Gradients> gradients) {
    if (gradients.isPresent() && bias.isEmpty() && weight.columns() <= MOST_TRANSPOSED
        && x.rows() % Vectors.LANES == 0 && Vectors.LANES <= MOST_LANES) {
      return transposed(x, weight, gradients.get());
    }
    int stride = Matrix.stride(weight.columns(), dtype);
    List<Kernel> stages = new ArrayList<>();
    for (int from = 0; from < x.rows(); from += CHUNK) {
      int first = from;
      int rows = Math.min(CHUNK, x.rows() - from);
      Matrix logits = new Matrix(work, 1, 0, rows, weight.columns(), stride, 1, DType.FP32);
      Runnable product = matmuls.matmul(x.rows(from, rows), weight, bias, logits, false);
      stages.add(firstRow -> product.run());
      if (gradients.isEmpty()) {
        stages.add(firstRow -> losses(logits, firstRow + first));
      } else {
        Gradients g = gradients.get();
        Matrix dLogits = dtype.isBf16()
            ? new Matrix(work + 4L * CHUNK * stride, 1, 0, rows, weight.columns(), stride, 1, DType.BF16)
            : logits;
        stages.add(firstRow -> gradients(logits, dLogits, firstRow + first));
        Runnable dX = matmuls.matmul(dLogits, weight.transposed(), Optional.empty(), g.dX().rows(from, rows),
            false);
        stages.add(firstRow -> dX.run());
        Matrix read = x.rows(from, rows);
        g.dWeight()
            .map(dWeight -> matmuls.weightGradient(read, dLogits, dWeight))
            .ifPresent(dWeight -> stages.add(firstRow -> dWeight.run()));
        g.dBias().ifPresent(dBias -> stages.add(Elementwise.columnSums(memory, dLogits, dBias)));
      }
    }
    return Kernel.inOrder(stages);
  }

  private Kernel transposed(Matrix x, Matrix weight, Gradients g) {
    int vocabulary = weight.columns();
    long vectors = work + 4L * vocabulary * APART;
    long narrowed = vectors + 4L * VECTORS * MOST_LANES;
    List<Kernel> stages = new ArrayList<>();
    for (int from = 0; from < x.rows(); from += CHUNK) {
      int first = from;
      int rows = Math.min(CHUNK, x.rows() - from);
      Matrix logits = new Matrix(work, 1, 0, vocabulary, rows, APART, 1, DType.FP32);
      Matrix dLogits = dtype.isBf16()
          ? new Matrix(narrowed, 1, 0, vocabulary, rows, APART, 1, DType.BF16)
          : logits;
      Runnable product = matmuls.matmul(weight.transposed(), x.rows(from, rows).transposed(),
          Optional.empty(), logits, false);
      Runnable dX = matmuls.matmul(dLogits.transposed(), weight.transposed(), Optional.empty(),
          g.dX().rows(from, rows), false);
      Matrix read = x.rows(from, rows);
      Optional<Runnable> dWeight = g.dWeight()
          .map(gradient -> matmuls.weightGradient(read, dLogits.transposed(), gradient));
      stages.add(firstRow -> {
        product.run();
        for (int column = 0; column < rows; column += Vectors.LANES) {
          gradientColumns(logits.at(0, column), dLogits.at(0, column), vocabulary, vectors,
              firstRow + first + column);
        }
        dX.run();
        dWeight.ifPresent(Runnable::run);
      });
      g.dBias().ifPresent(dBias -> stages.add(Elementwise.columnSums(memory, dLogits.transposed(), dBias)));
    }
    return Kernel.inOrder(stages);
  }

  /** Of as many rows as a vector has lanes, from a row of the batch on: logits down columns become their gradient. */
  private void gradientColumns(long logits, long dLogits, int vocabulary, long vectors, int row) {
    long shifts = vectors;
    long sums = vectors + 4L * MOST_LANES;
    long shares = vectors + 8L * MOST_LANES;
    long loss = losses + 4L * row;
    float each = memory.get(ValueLayout.JAVA_FLOAT, share);
    for (int lane = 0; lane < Vectors.LANES; lane++) {
      boolean counts = target(row + lane) != Targets.NONE;
      memory.set(ValueLayout.JAVA_FLOAT, shares + 4L * lane, counts ? each : 0);
      memory.set(ValueLayout.JAVA_FLOAT, loss + 4L * lane,
          counts ? memory.get(ValueLayout.JAVA_FLOAT, targetOf(logits, row, lane)) : 0);
    }
    Loops.columnShifts(memory, logits, 4L * APART, vocabulary, shifts);
    Loops.columnExponentials(memory, logits, 4L * APART, vocabulary, shifts, sums);
    Loops.columnLosses(memory, shifts, sums, loss);
    for (int lane = 0; lane < Vectors.LANES; lane++) {
      if (target(row + lane) == Targets.NONE) {
        memory.set(ValueLayout.JAVA_FLOAT, loss + 4L * lane, 0);
      } else {
        // (p - 1) share = (e - sum) share / sum at the target, before the common factor.
        long at = targetOf(logits, row, lane);
        memory.set(ValueLayout.JAVA_FLOAT, at,
            memory.get(ValueLayout.JAVA_FLOAT, at) - memory.get(ValueLayout.JAVA_FLOAT, sums + 4L * lane));
      }
    }
    Loops.scaleColumns(memory, logits, 4L * APART, vocabulary, shares, sums, dLogits,
        (long) APART * dtype.bytes(), dtype.isBf16());
  }

  private long targetOf(long logits, int row, int lane) {
    return logits + 4L * (target(row + lane) * APART + lane);
  }

  private void losses(Matrix logits, int firstRow) {
    for (int r = 0; r < logits.rows(); r++) {
      scoreRow(logits.at(r, 0), logits.columns(), firstRow + r);
    }
  }

  private void gradients(Matrix logits, Matrix dLogits, int firstRow) {
    float each = memory.get(ValueLayout.JAVA_FLOAT, share);
    for (int r = 0; r < logits.rows(); r++) {
      float loss = gradientRow(memory, logits.at(r, 0), dLogits.at(r, 0), dLogits.isBf16(), logits.columns(),
          target(firstRow + r), each);
      memory.set(ValueLayout.JAVA_FLOAT, losses + 4L * (firstRow + r), loss);
    }
  }

  private int target(int row) {
    return EmbeddingKernels.id(memory, targets, row);
  }

  private void scoreRow(long logits, int columns, int row) {
    int end = Vectors.close(memory, logits, columns, Float.NEGATIVE_INFINITY);
    float largest = Loops.largest(memory, logits, end);
    int target = target(row);
    float loss = target == Targets.NONE
        ? 0
        : (float) Math.log(Loops.sumOfExponentials(memory, logits, 1, -largest, end)) + largest
            - memory.get(ValueLayout.JAVA_FLOAT, logits + 4L * target);
    memory.set(ValueLayout.JAVA_FLOAT, losses + 4L * row, loss);
    memory.set(ValueLayout.JAVA_INT, predictions + 4L * row, first(logits, columns, largest));
  }

  /** The first column that holds a number; the last one if none does, as where logits are not numbers. */
  private int first(long logits, int columns, float number) {
    int column = 0;
    while (column < columns - 1 && memory.get(ValueLayout.JAVA_FLOAT, logits + 4L * column) != number) {
      column++;
    }
    return column;
  }

  private static float gradientRow(MemorySegment memory, long row, long gradient, boolean bf16, int columns,
      int target, float share) {
    int end = Vectors.close(memory, row, columns, Float.NEGATIVE_INFINITY);
    float largest = Loops.largest(memory, row, end);
    boolean counts = target != Targets.NONE;
    long at = row + 4L * target;
    float score = counts ? memory.get(ValueLayout.JAVA_FLOAT, at) : 0;
    float sum = Loops.exponentials(memory, row, 1, -largest, end);
    // (p - 1) share = (e - sum) share / sum at the target, before the common factor.
    if (counts) {
      memory.set(ValueLayout.JAVA_FLOAT, at, memory.get(ValueLayout.JAVA_FLOAT, at) - sum);
    }
    // With the zeros behind the last: bf16 products read some of them, and what lies there must be a number.
    Loops.scale(memory, row, counts ? share / sum : 0, gradient, bf16, end);
    if (bf16) {
      Loops.zero(memory, gradient, true, end, Matrix.stride(columns, DType.BF16));
    }
    return counts ? (float) Math.log(sum) + largest - score : 0;
  }
}
