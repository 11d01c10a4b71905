package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.program.ForwardOperation.Heads;

/**
 * Causal attention by blocks of queries: the scores of one block, of all heads, against the keys up to the block's
 * last query are all that is ever stored. The gradient computes them again from what the forward part kept of each
 * row: the logarithm of its sum of exponentials.
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
    return (long) heads.count() * Math.min(BLOCK, heads.length()) * Matrix.stride(heads.length());
  }

  /**
   * Floats of work space: scores and their gradient, both a second time in bf16, and the gradient of a window's
   * queries, keys and values in fp32.
   */
  static long workSize(Heads heads, Element element) {
    long gradient = 3L * heads.length() * heads.count() * heads.width();
    return element.narrow() ? 3 * blockSize(heads) + gradient : 2 * blockSize(heads);
  }

  /** Scores of a block of queries, heads x [queries, keys], in the index-th fp32 area. */
  private Matrix area(int index, int queries, int keys) {
    return new Matrix(work + 4 * index * blockSize(heads), heads.count(), (long) block * stride, queries,
        keys,
        stride, 1, Element.FP32);
  }

  /** The same as they go into products: in place, or in an area of their own in bf16. */
  private Matrix operand(int index, int queries, int keys) {
    return element.narrow()
        ? new Matrix(work + 4 * 2 * blockSize(heads) + 2 * index * blockSize(heads), heads.count(),
            (long) block * stride, queries, keys, stride, 1, Element.BF16)
        : area(index, queries, keys);
  }

  /** Some rows of queries (0), keys (1) or values (2), head by head. */
  private Matrix part(int index, Matrix qkv, int firstRow, int rows) {
    int d = qkv.columns() / 3;
    return qkv.rows(firstRow, rows).columns(index * d, d).stacked(heads.count());
  }

  /**
   * out = softmax(q k^T / sqrt(head width)) v.
   *
   * @param qkv [slice rows, 3d]
   * @param out [slice rows, d]
   * @param normalisers [slice rows, heads]: receives ln of the sum of exponentials of each row's scaled scores
   */
  Kernel forward(Matrix qkv, Matrix out, Matrix normalisers) {
    List<Kernel> stages = new ArrayList<>();
    for (int window = 0; window < qkv.rows(); window += heads.length()) {
      for (int query = 0; query < heads.length(); query += block) {
        int queries = Math.min(block, heads.length() - query);
        int keys = query + queries;
        Matrix q = part(0, qkv, window + query, queries);
        Matrix k = part(1, qkv, window, keys);
        Matrix v = part(2, qkv, window, keys);
        Matrix mixed = out.rows(window + query, queries).stacked(heads.count());
        Matrix scores = area(0, queries, keys);
        Matrix weights = operand(0, queries, keys);
        Matrix kept = normalisers.rows(window + query, queries);
        int first = query;
        add(stages, products.product(q, k.transposed(), Optional.empty(), scores, false));
        stages.add(firstRow -> softmax(scores, weights, kept, first));
        add(stages, products.product(weights, v, Optional.empty(), mixed, false));
      }
    }
    return Kernel.inOrder(stages);
  }

  private static void add(List<Kernel> stages, Runnable product) {
    stages.add(firstRow -> product.run());
  }

  private void softmax(Matrix scores, Matrix weights, Matrix kept, int firstQuery) {
    for (int head = 0; head < scores.count(); head++) {
      long from = scores.offset() + 4 * head * scores.countStride();
      long to = weights.offset() + weights.element().bytes() * head * weights.countStride();
      for (int r = 0; r < scores.rows(); r++) {
        float kernel = softmaxRow(memory, from + r * scores.rowBytes(), to + r * weights.rowBytes(),
            weights.narrow(), firstQuery + r + 1, scores.columns(), scale);
        memory.set(ValueLayout.JAVA_FLOAT, kept.at(r, head), kernel);
      }
    }
  }

  /** Softmax over the first {@code valid} scores, zeros from there to the end; returns the row's normaliser. */
  private static float softmaxRow(MemorySegment memory, long scores, long weights, boolean narrow, int valid,
      int end, float scale) {
    int bound = Vectors.close(memory, scores, valid, Float.NEGATIVE_INFINITY);
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
   * @param qkv [slice rows, 3d]
   * @param out [slice rows, d]
   * @param normalisers as {@link #forward} left them
   * @param dOut [slice rows, d]
   * @param dQkv [slice rows, 3d], written
   */
  Kernel backward(Matrix qkv, Matrix out, Matrix normalisers, Matrix dOut, Matrix dQkv) {
    int last = (heads.length() - 1) / block * block;
    List<Kernel> stages = new ArrayList<>();
    for (int window = 0; window < qkv.rows(); window += heads.length()) {
      Matrix target = dQkv.rows(window, heads.length());
      Matrix sums = element.narrow()
          ? Matrix.dense(work + 4 * 3 * blockSize(heads), heads.length(), dQkv.columns(), Element.FP32)
          : target;
      // The last block sees all keys: its products write their gradients, the others' add to them.
      for (int query = last; query >= 0; query -= block) {
        int queries = Math.min(block, heads.length() - query);
        int keys = query + queries;
        boolean adds = query != last;
        Matrix q = part(0, qkv, window + query, queries);
        Matrix k = part(1, qkv, window, keys);
        Matrix v = part(2, qkv, window, keys);
        Matrix dMixed = dOut.rows(window + query, queries);
        Matrix mixed = out.rows(window + query, queries);
        Matrix dq = part(0, sums, query, queries);
        Matrix dk = part(1, sums, 0, keys);
        Matrix dv = part(2, sums, 0, keys);
        Matrix scores = area(0, queries, keys);
        Matrix dWeights = area(1, queries, keys);
        Matrix weights = operand(0, queries, keys);
        Matrix dScores = operand(1, queries, keys);
        Matrix kept = normalisers.rows(window + query, queries);
        Matrix dHeads = dMixed.stacked(heads.count());
        int first = query;
        add(stages, products.product(q, k.transposed(), Optional.empty(), scores, false));
        add(stages, products.product(dHeads, v.transposed(), Optional.empty(), dWeights, false));
        stages
            .add(firstRow -> softmaxBackward(scores, dWeights, weights, dScores, kept, mixed, dMixed, first));
        add(stages, products.product(weights.transposed(), dHeads, Optional.empty(), dv, adds));
        add(stages, products.product(dScores, k, Optional.empty(), dq, false));
        add(stages, products.product(dScores.transposed(), q, Optional.empty(), dk, adds));
      }
      if (element.narrow()) {
        stages.add(Elementwise.convert(memory, sums, target));
      }
    }
    return Kernel.inOrder(stages);
  }

  private void softmaxBackward(Matrix scores, Matrix dWeights, Matrix weights, Matrix dScores, Matrix kept,
      Matrix mixed, Matrix dMixed, int firstQuery) {
    int bytes = weights.element().bytes();
    for (int head = 0; head < scores.count(); head++) {
      long stack = head * scores.countStride();
      for (int r = 0; r < scores.rows(); r++) {
        float mean = Loops.dot(memory, mixed.at(r, head * heads.width()), mixed.narrow(),
            dMixed.at(r, head * heads.width()), dMixed.narrow(), heads.width());
        softmaxBackwardRow(memory, scores.offset() + 4 * stack + r * scores.rowBytes(),
            dWeights.offset() + 4 * stack + r * dWeights.rowBytes(),
            weights.offset() + bytes * stack + r * weights.rowBytes(),
            dScores.offset() + bytes * stack + r * dScores.rowBytes(), weights.narrow(), firstQuery + r + 1,
            scores.columns(), scale, -memory.get(ValueLayout.JAVA_FLOAT, kept.at(r, head)), mean);
      }
    }
  }

  private static void softmaxBackwardRow(MemorySegment memory, long scores, long dWeights, long weights,
      long dScores, boolean narrow, int valid, int end, float scale, float shift, float mean) {
    int bound = Vectors.close(memory, scores, valid, Float.NEGATIVE_INFINITY);
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
