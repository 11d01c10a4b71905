package org.knowcap.models.engine.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Heads;
import org.knowcap.models.engine.lowering.DType;

/**
 * Causal attention by blocks of queries. Only the scores of one block are stored at a time, of all heads, against
 * the keys up to the block's last query. The gradient computes the scores again, from the logarithm of each row's
 * sum of exponentials, which the forward part keeps. If heads of queries share keys, one member of each group is
 * computed at a time. If distant pairs have their own queries and keys, a block has both kinds of scores, and the
 * front of each row, where pairs are distant, is copied from one to the other.
 */
final class BlockAttention {
  /** Queries of a block: enough for efficient matmuls, and few enough to keep their scores in the cache. */
  private static final int BLOCK = 64;

  private final MemorySegment memory;
  private final MatMuls matmuls;
  private final Heads heads;
  private final long work;
  private final DType dtype;
  /** Offset of where each token's document begins in its window, int32 [R]; of use only where there are documents. */
  private final long documents;
  private final boolean documented;
  /** For each head of queries, what is subtracted from its scores for each token of distance; empty without ALiBi. */
  private final float[] slopes;
  /** Query-key pairs at least this many tokens apart use the distant queries and keys; T if there are none. */
  private final int distantFrom;
  /** Number of areas of scores in the work space: scores, their gradient, and the scores of distant pairs. */
  private final int areas;
  private final int block;
  /** Floats of a row of scores: a multiple of a vector and of a cache line. */
  private final int stride;
  private final float scale;

  /**
   * @param work offset of {@link #workSize} floats
   * @param documents offset of where each token's document begins in its window, int32 [R]; read only where the
   *     operation looks at documents
   * @param dtype how weights go into products
   */
  BlockAttention(MemorySegment memory, MatMuls matmuls, Attention operation, long work, long documents,
      DType dtype) {
    this.memory = memory;
    this.matmuls = matmuls;
    heads = operation.heads();
    this.work = work;
    this.documents = documents;
    documented = operation.documents().isPresent();
    slopes = slopes(operation);
    distantFrom = operation.scores() instanceof Attention.Scores.Rerope rerope
        ? rerope.window()
        : heads.length();
    areas = areas(operation);
    this.dtype = dtype;
    block = Math.min(BLOCK, heads.length());
    stride = Matrix.stride(heads.length(), dtype);
    scale = (float) (1 / Math.sqrt(heads.width()));
  }

  private static float[] slopes(Attention operation) {
    return switch (operation.scores()) {
      case Attention.Scores.DotProduct _,Attention.Scores.Rerope _ -> new float[0];
      case Attention.Scores.Alibi alibi -> {
        Heads heads = operation.heads();
        float[] slopes = new float[heads.count()];
        for (int head = 0; head < slopes.length; head++) {
          slopes[head] = (float) (alibi.slope(heads, head) * Math.sqrt(heads.width()));
        }
        yield slopes;
      }
    };
  }

  private static int areas(Attention operation) {
    return operation.distant().isPresent() ? 3 : 2;
  }

  private static long blockSize(Heads heads, DType dtype) {
    return (long) heads.keyCount() * Math.min(BLOCK, heads.length()) * Matrix.stride(heads.length(), dtype);
  }

  /**
   * Floats of work space: {@link #areas}, each a second time in bf16, and then {@link #sums}.
   */
  static long workSize(Attention operation, DType dtype) {
    Heads heads = operation.heads();
    int areas = areas(operation);
    // As many gradients as there are tensors of queries and keys.
    long gradients = (areas - 1) * (long) heads.length() * heads.qkvWidth();
    return dtype.isBf16()
        ? areas * blockSize(heads, dtype) * 3 / 2 + gradients
        : areas * blockSize(heads, dtype);
  }

  /**
   * In bf16 the gradient of a window's queries, keys and values, and of those far apart, in fp32, behind the scores.
   */
  private Matrix sums(int index, int columns) {
    return Matrix.dense(work + 6 * areas * blockSize(heads, dtype) + 4L * index * heads.length() * columns,
        heads.length(), columns, DType.FP32);
  }

  /** Scores of a block of queries, key heads x [queries, keys], in the index-th fp32 area. */
  private Matrix area(int index, int queries, int keys) {
    return new Matrix(work + 4 * index * blockSize(heads, dtype), heads.keyCount(), (long) block * stride,
        queries, keys, stride, 1, DType.FP32);
  }

  /** These scores as operands of matmuls: in place, or in an area of their own in bf16. */
  private Matrix operand(int index, int queries, int keys) {
    return dtype.isBf16()
        ? new Matrix(work + 4 * areas * blockSize(heads, dtype) + 2 * index * blockSize(heads, dtype),
            heads.keyCount(), (long) block * stride, queries, keys, stride, 1, DType.BF16)
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
    return qkv.stacked(heads.qkWidth(), heads.keyCount(), heads.width(), heads.width());
  }

  /**
   * A block of queries of one window, for one member of each group of heads.
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

    /** Whether any pair of the block is at least this many tokens apart. */
    boolean reaches(int distance) {
      return keys() > distance;
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
   * out = softmax(scores) v.
   *
   * @param qkv [slice rows, width of queries, keys and values]
   * @param distant as qkv, of pairs far apart
   * @param out [slice rows, d]
   * @param logSumExp [slice rows, heads]: receives ln of the sum of exponentials of each row's scaled scores
   */
  Kernel forward(Matrix qkv, Optional<Matrix> distant, Matrix out, Matrix logSumExp) {
    List<Kernel> stages = new ArrayList<>();
    for (int window = 0; window < qkv.rows(); window += heads.length()) {
      for (Block b : blocks(window)) {
        Matrix q = queries(b.queryRows(qkv), b.member);
        Matrix k = keys(b.keyRows(qkv));
        Matrix v = values(b.keyRows(qkv));
        Matrix mixed = queries(b.queryRows(out), b.member);
        Matrix scores = area(0, b.count, b.keys());
        Matrix weights = operand(0, b.count, b.keys());
        Matrix kept = b.queryRows(logSumExp);
        add(stages, matmuls.matmul(q, k.transposed(), Optional.empty(), scores, false));
        distant.filter(each -> b.reaches(distantFrom)).ifPresent(each -> add(stages, distantScores(b, each)));
        stages.add(firstRow -> softmax(b, scores, weights, kept, firstRow));
        add(stages, matmuls.matmul(weights, v, Optional.empty(), mixed, false));
      }
    }
    return Kernel.inOrder(stages);
  }

  /** Up to where rows of scores must be zero behind what is seen. */
  private int end(Matrix scores) {
    return Matrix.stride(scores.columns(), dtype);
  }

  private static void add(List<Kernel> stages, Runnable matmul) {
    stages.add(firstRow -> matmul.run());
  }

  /** The scores of a block's pairs, as far as these are far apart, in the third area. */
  private Runnable distantScores(Block b, Matrix distant) {
    return matmuls.matmul(queries(b.queryRows(distant), b.member), keys(b.keyRows(distant)).transposed(),
        Optional.empty(), area(2, b.count, b.keys()), false);
  }

  private void softmax(Block b, Matrix scores, Matrix weights, Matrix kept, int firstRow) {
    for (int head = 0; head < scores.count(); head++) {
      int queryHead = head * heads.group() + b.member;
      long from = scores.offset() + 4 * head * scores.countStride();
      long to = weights.offset() + weights.dtype().bytes() * head * weights.countStride();
      for (int r = 0; r < scores.rows(); r++) {
        long row = from + r * scores.rowBytes();
        place(b, r, queryHead, row);
        float kernel = softmaxRow(memory, row, to + r * weights.rowBytes(), weights.isBf16(),
            unseen(b, r, firstRow), b.first + r + 1 - b.from, end(scores), scale);
        memory.set(ValueLayout.JAVA_FLOAT, kept.at(r, queryHead), kernel);
      }
    }
  }

  /** Applies positions, such as ALiBi, to a row of scores. */
  private void place(Block b, int r, int queryHead, long row) {
    if (slopes.length > 0) {
      Loops.addAlibi(memory, row, slopes[queryHead], b.from - b.first - r, b.keys());
    }
    int distant = distant(b, r);
    if (distant > 0) {
      MemorySegment.copy(memory, row + 4 * 2 * blockSize(heads, dtype), memory, row, 4L * distant);
    }
  }

  /** Keys at the front of a block's rows that are far from its r-th query. */
  private int distant(Block b, int r) {
    return b.first + r - distantFrom - b.from + 1;
  }

  /** Keys at the front of a block's rows that its r-th query does not see. */
  private int unseen(Block b, int r, int firstRow) {
    int seen = heads.firstKey(b.first + r);
    return (documented
        ? Math.max(seen, EmbeddingKernels.id(memory, documents, firstRow + b.window + b.first + r))
        : seen) - b.from;
  }

  /** Where the vector begins that has the index-th number. */
  private static int vectorOf(int index) {
    return index / Vectors.LANES * Vectors.LANES;
  }

  /**
   * Makes scores of what is not seen vanish: from the vector of the first valid one up to that, and behind the last
   * up to a full vector.
   */
  private static int mask(MemorySegment memory, long scores, int unseen, int valid) {
    for (int i = vectorOf(unseen); i < unseen; i++) {
      memory.set(ValueLayout.JAVA_FLOAT, scores + 4L * i, Float.NEGATIVE_INFINITY);
    }
    return Vectors.close(memory, scores, valid, Float.NEGATIVE_INFINITY);
  }

  /**
   * Softmax over the scores from {@code unseen} to before {@code valid}, zeros elsewhere; returns the row's normaliser.
   */
  private static float softmaxRow(MemorySegment memory, long scores, long weights, boolean bf16, int unseen,
      int valid, int end, float scale) {
    int bound = mask(memory, scores, unseen, valid);
    int from = vectorOf(unseen);
    long seen = scores + 4L * from;
    float shift = -scale * Loops.largest(memory, seen, bound - from);
    float sum = Loops.exponentials(memory, seen, scale, shift, bound - from);
    Loops.zero(memory, weights, bf16, 0, from);
    Loops.scale(memory, seen, 1 / sum, weights + (bf16 ? 2L : 4L) * from, bf16, bound - from);
    Loops.zero(memory, weights, bf16, bound, end);
    return (float) Math.log(sum) - shift;
  }

  /**
   * Gradient of queries, keys and values. With weights p and their gradient dp = dOut v^T, the gradient of the scores
   * is p (dp - sum(p dp)), and sum(p dp) is the row's dot product of dOut and out.
   *
   * @param qkv [slice rows, width of queries, keys and values]
   * @param distant as qkv, of pairs far apart
   * @param out [slice rows, d]
   * @param logSumExp as {@link #forward} left them
   * @param dOut [slice rows, d]
   * @param dQkv as qkv, written
   * @param dDistant as distant, written
   */
  Kernel backward(Matrix qkv, Optional<Matrix> distant, Matrix out, Matrix logSumExp, Matrix dOut,
      Matrix dQkv, Optional<Matrix> dDistant) {
    boolean lastSeesAll = heads.reach() >= heads.length();
    List<Kernel> stages = new ArrayList<>();
    for (int window = 0; window < qkv.rows(); window += heads.length()) {
      Matrix target = dQkv.rows(window, heads.length());
      Matrix sums = dtype.isBf16() ? sums(0, dQkv.columns()) : target;
      Optional<Matrix> distantTarget = rows(dDistant, window);
      Optional<Matrix> distantSums = dtype.isBf16()
          ? distantTarget.map(each -> sums(1, each.columns()))
          : distantTarget;
      // A first block that sees all keys writes their gradients; otherwise all blocks add to zeros.
      boolean adds = !lastSeesAll;
      if (adds) {
        stages.add(zeros(sums));
      }
      distantSums.ifPresent(each -> stages.add(zeros(each)));
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
        Matrix kept = b.queryRows(logSumExp);
        add(stages, matmuls.matmul(q, k.transposed(), Optional.empty(), scores, false));
        add(stages, matmuls.matmul(dHeads, v.transposed(), Optional.empty(), dWeights, false));
        boolean reaches = distant.isPresent() && b.reaches(distantFrom);
        if (reaches) {
          add(stages, distantScores(b, distant.get()));
        }
        stages.add(firstRow -> softmaxBackward(b, scores, dWeights, weights, dScores, kept, mixed, dMixed,
            firstRow));
        if (reaches) {
          distantGradients(stages, b, dScores, distant.get(), distantSums.orElseThrow());
        }
        add(stages, matmuls.matmul(weights.transposed(), dHeads, Optional.empty(), dv, adds));
        add(stages, matmuls.matmul(dScores, k, Optional.empty(), dq, false));
        add(stages, matmuls.matmul(dScores.transposed(), q, Optional.empty(), dk, adds));
        adds = true;
      }
      if (dtype.isBf16()) {
        stages.add(Elementwise.convert(memory, sums, target));
        distantSums
            .ifPresent(each -> stages.add(Elementwise.convert(memory, each, distantTarget.orElseThrow())));
      }
    }
    return Kernel.inOrder(stages);
  }

  private Optional<Matrix> rows(Optional<Matrix> matrix, int window) {
    return matrix.map(each -> each.rows(window, heads.length()));
  }

  private Kernel zeros(Matrix sums) {
    return firstRow -> memory.asSlice(sums.offset(), sums.rows() * sums.rowBytes()).fill((byte) 0);
  }

  /**
   * Takes the front of each row of the scores' gradient over to the pairs far apart, and on to their queries and keys.
   *
   * @param distant [slice rows, width of queries, keys and values]
   * @param sums of one window, fp32: to the keys' is added; the queries' is written
   */
  private void distantGradients(List<Kernel> stages, Block b, Matrix dScores, Matrix distant, Matrix sums) {
    Matrix taken = operand(2, b.count, b.keys());
    Matrix q = queries(b.queryRows(distant), b.member);
    Matrix k = keys(b.keyRows(distant));
    Matrix dq = queries(b.ofWindow().queryRows(sums), b.member);
    Matrix dk = keys(b.ofWindow().keyRows(sums));
    stages.add(firstRow -> take(b, dScores, taken));
    add(stages, matmuls.matmul(taken, k, Optional.empty(), dq, false));
    add(stages, matmuls.matmul(taken.transposed(), q, Optional.empty(), dk, true));
  }

  private void take(Block b, Matrix dScores, Matrix taken) {
    int bytes = taken.dtype().bytes();
    int end = end(taken);
    for (int head = 0; head < dScores.count(); head++) {
      for (int r = 0; r < dScores.rows(); r++) {
        long from = dScores.offset() + bytes * head * dScores.countStride() + r * dScores.rowBytes();
        long to = taken.offset() + bytes * head * taken.countStride() + r * taken.rowBytes();
        Loops.zero(memory, to, taken.isBf16(), 0, end);
        int distant = distant(b, r);
        if (distant > 0) {
          MemorySegment.copy(memory, from, memory, to, (long) bytes * distant);
          clear(memory, from, dScores.isBf16(), distant);
        }
      }
    }
  }

  /** Zeros in place of the first numbers of a row. */
  private static void clear(MemorySegment memory, long row, boolean bf16, int count) {
    int bound = vectorOf(count);
    Loops.zero(memory, row, bf16, 0, bound);
    for (int i = bound; i < count; i++) {
      if (bf16) {
        memory.set(ValueLayout.JAVA_SHORT, row + 2L * i, (short) 0);
      } else {
        memory.set(ValueLayout.JAVA_FLOAT, row + 4L * i, 0);
      }
    }
  }

  private void softmaxBackward(Block b, Matrix scores, Matrix dWeights, Matrix weights, Matrix dScores,
      Matrix kept, Matrix mixed, Matrix dMixed, int firstRow) {
    int bytes = weights.dtype().bytes();
    for (int head = 0; head < scores.count(); head++) {
      long stack = head * scores.countStride();
      int queryHead = head * heads.group() + b.member;
      for (int r = 0; r < scores.rows(); r++) {
        float mean = Loops.dot(memory, mixed.at(r, queryHead * heads.width()), mixed.isBf16(),
            dMixed.at(r, queryHead * heads.width()), dMixed.isBf16(), heads.width());
        long row = scores.offset() + 4 * stack + r * scores.rowBytes();
        place(b, r, queryHead, row);
        softmaxBackwardRow(memory, row, dWeights.offset() + 4 * stack + r * dWeights.rowBytes(),
            weights.offset() + bytes * stack + r * weights.rowBytes(),
            dScores.offset() + bytes * stack + r * dScores.rowBytes(), weights.isBf16(),
            unseen(b, r, firstRow), b.first + r + 1 - b.from, end(scores), scale,
            -memory.get(ValueLayout.JAVA_FLOAT, kept.at(r, queryHead)), mean);
      }
    }
  }

  private static void softmaxBackwardRow(MemorySegment memory, long scores, long dWeights, long weights,
      long dScores, boolean bf16, int unseen, int valid, int end, float scale, float shift, float mean) {
    int bound = mask(memory, scores, unseen, valid);
    int from = vectorOf(unseen);
    long seen = scores + 4L * from;
    long bf16From = (bf16 ? 2L : 4L) * from;
    Vectors.close(memory, dWeights, valid, 0);
    Loops.exponentials(memory, seen, scale, shift, bound - from);
    Loops.scoreGradient(memory, seen, dWeights + 4L * from, scale, mean, dScores + bf16From, bf16,
        bound - from);
    if (bf16) {
      Loops.convert(memory, seen, false, weights + bf16From, true, bound - from);
    }
    Loops.zero(memory, weights, bf16, 0, from);
    Loops.zero(memory, dScores, bf16, 0, from);
    Loops.zero(memory, weights, bf16, bound, end);
    Loops.zero(memory, dScores, bf16, bound, end);
  }
}
