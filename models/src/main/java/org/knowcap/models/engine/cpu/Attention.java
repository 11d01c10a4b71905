package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.engine.lowering.Element;
import org.knowcap.models.program.ForwardOperation.Heads;

/**
 * Causal attention by blocks of queries: the scores of one block, of all heads, against the keys up to the block's
 * last query are all that is ever stored. The gradient computes them again from what the forward part kept of each
 * row: the logarithm of its sum of exponentials. Where heads of queries share keys, one member of each group goes at a
 * time.
 */
final class Attention {
  /** Queries of a block: as many as keep the products efficient and their scores in the cache. */
  private static final int BLOCK = 64;

  private final MemorySegment memory;
  private final Products products;
  private final Heads heads;
  private final long work;
  private final Element element;
  private final int block;
  /** Floats of a row of scores: a multiple of a vector and of a cache line. */
  private final int stride;
  private final float scale;

  /**
   * @param work offset of {@link #workSize} floats
   * @param element how weights go into products
   */
  Attention(MemorySegment memory, Products products, Heads heads, long work, Element element) {
    this.memory = memory;
    this.products = products;
    this.heads = heads;
    this.work = work;
    this.element = element;
    block = Math.min(BLOCK, heads.length());
    stride = Matrix.stride(heads.length());
    scale = (float) (1 / Math.sqrt(heads.width()));
  }

  private static long blockSize(Heads heads) {
    return (long) heads.keyCount() * Math.min(BLOCK, heads.length()) * Matrix.stride(heads.length());
  }

  /**
   * Floats of work space: scores and their gradient, both a second time in bf16, and the gradient of a window's
   * queries, keys and values in fp32.
   */
  static long workSize(Heads heads, Element element) {
    long gradient = (long) heads.length() * heads.qkvWidth();
    return element.narrow() ? 3 * blockSize(heads) + gradient : 2 * blockSize(heads);
  }

  /** Scores of a block of queries, key heads x [queries, keys], in the index-th fp32 area. */
  private Matrix area(int index, int queries, int keys) {
    return new Matrix(work + 4 * index * blockSize(heads), heads.keyCount(), (long) block * stride, queries,
        keys,
        stride, 1, Element.FP32);
  }

  /** The same as they go into products: in place, or in an area of their own in bf16. */
  private Matrix operand(int index, int queries, int keys) {
    return element.narrow()
        ? new Matrix(work + 4 * 2 * blockSize(heads) + 2 * index * blockSize(heads), heads.keyCount(),
            (long) block * stride, queries, keys, stride, 1, Element.BF16)
        : area(index, queries, keys);
  }

  /** Of rows of queries, or of what they bring, one member of each group. */
  private Matrix queries(Matrix rows, int member) {
    return rows.stacked(member * heads.width(), heads.keyCount(), heads.group() * heads.width(),
        heads.width());
  }

  private Matrix keys(Matrix qkv) {
    return qkv.stacked(heads.count() * heads.width(), heads.keyCount(), heads.width(), heads.width());
  }

  private Matrix values(Matrix qkv) {
    return qkv.stacked(heads.turnedWidth(), heads.keyCount(), heads.width(),
        heads.width());
  }

  /**
   * A block of queries of one window, one member of each group: what the products need of it.
   *
   * @param window first row of the window
   * @param first query of the block
   * @param count queries of the block
   * @param from first key that any of them sees
   * @param member of each group of heads
   */
  private record Block(int window, int first, int count, int from, int member) {
    /** Keys up to the last query. */
    int keys() {
      return first + count - from;
    }

    Matrix queryRows(Matrix matrix) {
      return matrix.rows(window + first, count);
    }

    Matrix keyRows(Matrix matrix) {
      return matrix.rows(window + from, keys());
    }

    /** The same rows of a matrix that has only this window's. */
    Block ofWindow() {
      return new Block(0, first, count, from, member);
    }
  }

  /** The blocks of a window, the last queries first: where all keys are seen, they see them all. */
  private List<Block> blocks(int window) {
    List<Block> blocks = new ArrayList<>();
    for (int first = (heads.length() - 1) / block * block; first >= 0; first -= block) {
      for (int member = 0; member < heads.group(); member++) {
        blocks.add(
            new Block(window, first, Math.min(block, heads.length() - first), heads.firstKey(first), member));
      }
    }
    return blocks;
  }

  /**
   * out = softmax(q k^T / sqrt(head width)) v.
   *
   * @param qkv [slice rows, width of queries, keys and values]
   * @param out [slice rows, d]
   * @param normalisers [slice rows, heads]: receives ln of the sum of exponentials of each row's scaled scores
   */
  Kernel forward(Matrix qkv, Matrix out, Matrix normalisers) {
    List<Kernel> stages = new ArrayList<>();
    for (int window = 0; window < qkv.rows(); window += heads.length()) {
      for (Block b : blocks(window)) {
        Matrix q = queries(b.queryRows(qkv), b.member);
        Matrix k = keys(b.keyRows(qkv));
        Matrix v = values(b.keyRows(qkv));
        Matrix mixed = queries(b.queryRows(out), b.member);
        Matrix scores = area(0, b.count, b.keys());
        Matrix weights = operand(0, b.count, b.keys());
        Matrix kept = b.queryRows(normalisers);
        add(stages, products.product(q, k.transposed(), Optional.empty(), scores, false));
        stages.add(firstRow -> softmax(b, scores, weights, kept));
        add(stages, products.product(weights, v, Optional.empty(), mixed, false));
      }
    }
    return Kernel.inOrder(stages);
  }

  private static void add(List<Kernel> stages, Runnable product) {
    stages.add(firstRow -> product.run());
  }

  private void softmax(Block b, Matrix scores, Matrix weights, Matrix kept) {
    for (int head = 0; head < scores.count(); head++) {
      long from = scores.offset() + 4 * head * scores.countStride();
      long to = weights.offset() + weights.element().bytes() * head * weights.countStride();
      for (int r = 0; r < scores.rows(); r++) {
        float kernel = softmaxRow(memory, from + r * scores.rowBytes(), to + r * weights.rowBytes(),
            weights.narrow(), unseen(b, r), b.first + r + 1 - b.from, scores.columns(), scale);
        memory.set(ValueLayout.JAVA_FLOAT, kept.at(r, head * heads.group() + b.member), kernel);
      }
    }
  }

  /** Keys at the front of a block's rows that its r-th query does not see. */
  private int unseen(Block b, int r) {
    return heads.firstKey(b.first + r) - b.from;
  }

  /** Makes scores of what is not seen vanish: before the first valid one, and behind the last up to a full vector. */
  private static int mask(MemorySegment memory, long scores, int unseen, int valid) {
    for (int i = 0; i < unseen; i++) {
      memory.set(ValueLayout.JAVA_FLOAT, scores + 4L * i, Float.NEGATIVE_INFINITY);
    }
    return Vectors.close(memory, scores, valid, Float.NEGATIVE_INFINITY);
  }

  /**
   * Softmax over the scores from {@code unseen} to before {@code valid}, zeros elsewhere; returns the row's normaliser.
   */
  private static float softmaxRow(MemorySegment memory, long scores, long weights, boolean narrow, int unseen,
      int valid, int end, float scale) {
    int bound = mask(memory, scores, unseen, valid);
    float shift = -scale * Loops.largest(memory, scores, bound);
    float sum = Loops.exponentials(memory, scores, scale, shift, bound);
    Loops.scale(memory, scores, 1 / sum, weights, narrow, bound);
    Loops.zero(memory, weights, narrow, bound, end);
    return (float) Math.log(sum) - shift;
  }

  /**
   * Gradient of queries, keys and values. With weights p and their gradient dp = dOut v^T, the gradient of the scores
   * is p (dp - sum(p dp)), and sum(p dp) is the row's dot product of dOut and out.
   *
   * @param qkv [slice rows, width of queries, keys and values]
   * @param out [slice rows, d]
   * @param normalisers as {@link #forward} left them
   * @param dOut [slice rows, d]
   * @param dQkv as qkv, written
   */
  Kernel backward(Matrix qkv, Matrix out, Matrix normalisers, Matrix dOut, Matrix dQkv) {
    boolean lastSeesAll = heads.reach() >= heads.length();
    List<Kernel> stages = new ArrayList<>();
    for (int window = 0; window < qkv.rows(); window += heads.length()) {
      Matrix target = dQkv.rows(window, heads.length());
      Matrix sums = element.narrow()
          ? Matrix.dense(work + 4 * 3 * blockSize(heads), heads.length(), dQkv.columns(), Element.FP32)
          : target;
      // A first block that sees all keys writes their gradients; otherwise all blocks add to zeros.
      boolean adds = !lastSeesAll;
      if (adds) {
        stages.add(firstRow -> memory.asSlice(sums.offset(), sums.rows() * sums.rowBytes()).fill((byte) 0));
      }
      for (Block b : blocks(window)) {
        Matrix q = queries(b.queryRows(qkv), b.member);
        Matrix k = keys(b.keyRows(qkv));
        Matrix v = values(b.keyRows(qkv));
        Matrix mixed = b.queryRows(out);
        Matrix dMixed = b.queryRows(dOut);
        Matrix dHeads = queries(dMixed, b.member);
        Matrix dq = queries(b.ofWindow().queryRows(sums), b.member);
        Matrix dk = keys(b.ofWindow().keyRows(sums));
        Matrix dv = values(b.ofWindow().keyRows(sums));
        Matrix scores = area(0, b.count, b.keys());
        Matrix dWeights = area(1, b.count, b.keys());
        Matrix weights = operand(0, b.count, b.keys());
        Matrix dScores = operand(1, b.count, b.keys());
        Matrix kept = b.queryRows(normalisers);
        add(stages, products.product(q, k.transposed(), Optional.empty(), scores, false));
        add(stages, products.product(dHeads, v.transposed(), Optional.empty(), dWeights, false));
        stages.add(firstRow -> softmaxBackward(b, scores, dWeights, weights, dScores, kept, mixed, dMixed));
        add(stages, products.product(weights.transposed(), dHeads, Optional.empty(), dv, adds));
        add(stages, products.product(dScores, k, Optional.empty(), dq, false));
        add(stages, products.product(dScores.transposed(), q, Optional.empty(), dk, adds));
        adds = true;
      }
      if (element.narrow()) {
        stages.add(Elementwise.convert(memory, sums, target));
      }
    }
    return Kernel.inOrder(stages);
  }

  private void softmaxBackward(Block b, Matrix scores, Matrix dWeights, Matrix weights, Matrix dScores,
      Matrix kept,
      Matrix mixed, Matrix dMixed) {
    int bytes = weights.element().bytes();
    for (int head = 0; head < scores.count(); head++) {
      long stack = head * scores.countStride();
      int queryHead = head * heads.group() + b.member;
      for (int r = 0; r < scores.rows(); r++) {
        float mean = Loops.dot(memory, mixed.at(r, queryHead * heads.width()), mixed.narrow(),
            dMixed.at(r, queryHead * heads.width()), dMixed.narrow(), heads.width());
        softmaxBackwardRow(memory, scores.offset() + 4 * stack + r * scores.rowBytes(),
            dWeights.offset() + 4 * stack + r * dWeights.rowBytes(),
            weights.offset() + bytes * stack + r * weights.rowBytes(),
            dScores.offset() + bytes * stack + r * dScores.rowBytes(), weights.narrow(), unseen(b, r),
            b.first + r + 1 - b.from, scores.columns(), scale,
            -memory.get(ValueLayout.JAVA_FLOAT, kept.at(r, queryHead)), mean);
      }
    }
  }

  private static void softmaxBackwardRow(MemorySegment memory, long scores, long dWeights, long weights,
      long dScores, boolean narrow, int unseen, int valid, int end, float scale, float shift, float mean) {
    int bound = mask(memory, scores, unseen, valid);
    Vectors.close(memory, dWeights, valid, 0);
    Loops.exponentials(memory, scores, scale, shift, bound);
    Loops.scoreGradient(memory, scores, dWeights, scale, mean, dScores, narrow, bound);
    if (narrow) {
      Loops.convert(memory, scores, false, weights, true, bound);
    }
    Loops.zero(memory, weights, narrow, bound, end);
    Loops.zero(memory, dScores, narrow, bound, end);
  }
}
