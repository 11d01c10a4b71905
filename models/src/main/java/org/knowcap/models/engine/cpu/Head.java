package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.FLOATS;
import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * The model's last product, the cross-entropy, and both gradients at once, a few rows at a time: the logits of these
 * rows are the only ones that exist, and turn into their gradient where they are.
 */
final class Head {
  /** Rows whose logits exist at a time. */
  private static final int CHUNK = 128;

  private final MemorySegment memory;
  private final Products products;
  private final long targets;
  private final long losses;
  private final long work;
  private final Element element;

  /** Where the gradients of a training step go: of x [slice rows, d], of the weight, and of the bias if there is one. */
  record Gradients(Matrix dX, Matrix dWeight, Optional<Matrix> dBias) {}

  /**
   * @param targets offset of the batch's target ids, int32 [R]
   * @param losses offset of the batch's losses in nats, fp32 [R]
   * @param work offset of {@link #workSize} floats
   * @param element how gradients of logits go into products
   */
  Head(MemorySegment memory, Products products, long targets, long losses, long work, Element element) {
    this.memory = memory;
    this.products = products;
    this.targets = targets;
    this.losses = losses;
    this.work = work;
    this.element = element;
  }

  private static int stride(int vocabulary) {
    return (vocabulary + 15) / 16 * 16;
  }

  /** Floats of work space: a chunk's logits, and in bf16 their gradient as well. */
  static long workSize(int vocabulary, Element element) {
    return (element.narrow() ? 3 : 2) * (long) CHUNK * stride(vocabulary) / 2;
  }

  /**
   * Losses of the slice's rows, and gradients of the batch's mean loss if asked for.
   *
   * @param x [slice rows, d]
   * @param weight [d, V]
   * @param bias [1, V]
   * @param batchRows R, over which the loss is a mean
   */
  Kernel run(Matrix x, Matrix weight, Optional<Matrix> bias, Optional<Gradients> gradients, int batchRows) {
    int stride = stride(weight.columns());
    List<Kernel> stages = new ArrayList<>();
    for (int from = 0; from < x.rows(); from += CHUNK) {
      int first = from;
      int rows = Math.min(CHUNK, x.rows() - from);
      Matrix logits = new Matrix(work, 1, 0, rows, weight.columns(), stride, 1, Element.FP32);
      Runnable product = products.product(x.rows(from, rows), weight, bias, logits, false);
      stages.add(firstRow -> product.run());
      if (gradients.isEmpty()) {
        stages.add(firstRow -> losses(logits, firstRow + first));
      } else {
        Gradients g = gradients.get();
        Matrix dLogits = element.narrow()
            ? new Matrix(work + 4L * CHUNK * stride, 1, 0, rows, weight.columns(), stride, 1, Element.BF16)
            : logits;
        stages.add(firstRow -> gradients(logits, dLogits, firstRow + first, 1f / batchRows));
        Runnable dX = products.product(dLogits, weight.transposed(), Optional.empty(),
            g.dX().rows(from, rows),
            false);
        // dWeight^T += dLogits^T x or dWeight += x^T dLogits: whichever writes along rows.
        Runnable dWeight = g.dWeight().columnStride() == 1
            ? products.product(x.rows(from, rows).transposed(), dLogits, Optional.empty(), g.dWeight(), true)
            : products.product(dLogits.transposed(), x.rows(from, rows), Optional.empty(),
                g.dWeight().transposed(), true);
        stages.add(firstRow -> {
          dX.run();
          dWeight.run();
        });
        g.dBias().ifPresent(dBias -> stages.add(Elementwise.columnSums(memory, dLogits, dBias)));
      }
    }
    Kernel[] all = stages.toArray(Kernel[]::new);
    return firstRow -> {
      for (Kernel stage : all) {
        stage.run(firstRow);
      }
    };
  }

  private void losses(Matrix logits, int firstRow) {
    for (int r = 0; r < logits.rows(); r++) {
      float loss = lossRow(memory, logits.at(r, 0), logits.columns(), target(firstRow + r));
      memory.set(ValueLayout.JAVA_FLOAT, losses + 4L * (firstRow + r), loss);
    }
  }

  private void gradients(Matrix logits, Matrix dLogits, int firstRow, float share) {
    for (int r = 0; r < logits.rows(); r++) {
      float loss = gradientRow(memory, logits.at(r, 0), dLogits.at(r, 0), dLogits.narrow(), logits.columns(),
          target(firstRow + r), share);
      memory.set(ValueLayout.JAVA_FLOAT, losses + 4L * (firstRow + r), loss);
    }
  }

  private int target(int row) {
    return Embedding.id(memory, targets, row);
  }

  private static float largest(MemorySegment memory, long row, int columns) {
    int bound = FLOATS.loopBound(columns);
    VectorMask<Float> rest = FLOATS.indexInRange(bound, columns);
    FloatVector largest = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY)
        .blend(Vectors.load(memory, row, bound, false, rest), rest);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector x = Vectors.load(memory, row, i, false);
      largest = largest.blend(x, x.compare(VectorOperators.GT, largest));
    }
    return largest.reduceLanes(VectorOperators.MAX);
  }

  private static float lossRow(MemorySegment memory, long row, int columns, int target) {
    float largest = largest(memory, row, columns);
    int bound = FLOATS.loopBound(columns);
    VectorMask<Float> rest = FLOATS.indexInRange(bound, columns);
    FloatVector total = FloatVector.zero(FLOATS)
        .blend(Vectors.exp(Vectors.load(memory, row, bound, false, rest).sub(largest)), rest);
    for (int i = 0; i < bound; i += LANES) {
      total = total.add(Vectors.exp(Vectors.load(memory, row, i, false).sub(largest)));
    }
    float score = memory.get(ValueLayout.JAVA_FLOAT, row + 4L * target);
    return (float) Math.log(Vectors.sum(total)) + largest - score;
  }

  private static float gradientRow(MemorySegment memory, long row, long gradient, boolean narrow, int columns,
      int target, float share) {
    float largest = largest(memory, row, columns);
    float score = memory.get(ValueLayout.JAVA_FLOAT, row + 4L * target);
    int bound = FLOATS.loopBound(columns);
    VectorMask<Float> rest = FLOATS.indexInRange(bound, columns);
    FloatVector total = FloatVector.zero(FLOATS)
        .blend(Vectors.exp(Vectors.load(memory, row, bound, false, rest).sub(largest)), rest);
    Vectors.store(total, memory, row, bound, false, rest);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector e = Vectors.exp(Vectors.load(memory, row, i, false).sub(largest));
      Vectors.store(e, memory, row, i, false);
      total = total.add(e);
    }
    float sum = Vectors.sum(total);
    // (p - 1) share = (e - sum) share / sum at the target, before the common factor.
    long at = row + 4L * target;
    memory.set(ValueLayout.JAVA_FLOAT, at, memory.get(ValueLayout.JAVA_FLOAT, at) - sum);
    float factor = share / sum;
    for (int i = 0; i < bound; i += LANES) {
      Vectors.store(Vectors.load(memory, row, i, false).mul(factor), memory, gradient, i, narrow);
    }
    if (bound < columns) {
      // With its zeros: bf16 products read pairs, and what lies behind an odd row's end must be a number.
      Vectors.store(Vectors.load(memory, row, bound, false, rest).mul(factor), memory, gradient, bound,
          narrow);
    }
    return (float) Math.log(sum) + largest - score;
  }
}
