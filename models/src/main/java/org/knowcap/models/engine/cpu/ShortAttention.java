package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Heads;
import org.knowcap.models.engine.lowering.DType;

/**
 * Causal attention over windows that are short enough for a head's scores to stay in a core's cache: one window and
 * one head at a time, without calls of a library. Scores are transposed, [keys, queries], so that the softmax of as
 * many queries as a vector has lanes runs down columns and needs no sums across lanes. Pairs that do not see each
 * other are not computed, except in the squares on the diagonal. Arithmetic is always in fp32; in bf16 the operands
 * of matmuls are rounded.
 */
final class ShortAttention {
  /** Tokens of the longest window. */
  private static final int LONGEST = 128;
  /**
   * What is added to the scores of a strip: rows of zeros for the keys before its queries, and a square with minus
   * infinity where the key comes after the query.
   */
  private static final long LATER = later().address();

  private final MemorySegment memory;
  /** Address of the memory's first byte. */
  private final long base;
  private final Heads heads;
  private final boolean bf16;
  private final int length;
  /** Width of a head to a full vector. */
  private final int padded;
  /** Whether heads are read and written where they lie in a window. */
  private final boolean inPlace;
  private final float scale;
  /** Bytes of a row of scores, and of a row of padded width. */
  private final long scoreRow;
  private final long row;
  /**
   * A window in fp32: queries, keys and values, their gradient, the result or its gradient. In fp32 too it is
   * copied: where the session's pages happen to meet in the caches, reading heads from its rows time and again took
   * more than twice as long.
   */
  private final long qkvWindow;
  private final long dQkvWindow;
  private final long mixedWindow;
  /**
   * Rows of fp32 of padded width, where heads are not read in place; then transposed ones; scores; gradients;
   * vectors.
   */
  private final long queries;
  private final long keys;
  private final long values;
  private final long dMixed;
  private final long queryColumns;
  private final long dMixedColumns;
  private final long weights;
  private final long dScores;
  private final long result;
  private final long dKeys;
  private final long dValues;
  private final long shifts;
  private final long sums;

  /**
   * @param work offset of {@link Bounds#workSize} floats
   * @param dtype how operands go into products
   */
  ShortAttention(MemorySegment memory, Attention operation, long work, DType dtype) {
    this.memory = memory;
    base = memory.address();
    heads = operation.heads();
    bf16 = dtype.isBf16();
    length = heads.length();
    padded = padded(heads);
    inPlace = heads.width() % LANES == 0;
    scale = (float) (1 / Math.sqrt(heads.width()));
    scoreRow = 4L * length;
    row = 4L * padded;
    long rows = length * row;
    long scores = length * scoreRow;
    qkvWindow = work;
    dQkvWindow = qkvWindow + 4L * length * heads.qkvWidth();
    mixedWindow = dQkvWindow + 4L * length * heads.qkvWidth();
    queries = mixedWindow + 4L * length * heads.count() * heads.width();
    keys = queries + rows;
    values = keys + rows;
    dMixed = values + rows;
    queryColumns = dMixed + rows;
    dMixedColumns = queryColumns + rows;
    weights = dMixedColumns + rows;
    dScores = weights + scores;
    result = dScores + scores;
    dKeys = result + rows;
    dValues = dKeys + rows;
    shifts = dValues + rows;
    sums = shifts + 4L * LANES;
  }

  /** Whether this class can compute such attention on this machine. */
  static boolean takes(Attention operation) {
    return LANES >= Bounds.LEAST_LANES && LANES <= Bounds.MOST_LANES
        && operation.heads().length() % LANES == 0 && Bounds.mayTake(operation);
  }

  private static int padded(Heads heads) {
    return Math.ceilDiv(heads.width(), LANES) * LANES;
  }

  /** Bounds that hold for vectors of any length. Commands that only count bytes run without the Vector API. */
  static final class Bounds {
    private static final int LEAST_LANES = 8;
    private static final int MOST_LANES = 16;

    private Bounds() {}

    /** Whether some machine does such attention by {@link ShortAttention}. */
    static boolean mayTake(Attention operation) {
      Heads heads = operation.heads();
      return heads.length() % LEAST_LANES == 0 && heads.length() <= LONGEST && heads.reach() >= heads.length()
          && operation.scores() instanceof Attention.Scores.DotProduct && operation.documents().isEmpty();
    }

    /** The most floats of work space that it needs. */
    static long workSize(Attention operation) {
      Heads heads = operation.heads();
      int padded = Math.ceilDiv(heads.width(), MOST_LANES) * MOST_LANES;
      long windows = 2L * heads.qkvWidth() + (long) heads.count() * heads.width();
      return (windows + 9L * padded + 2L * heads.length() + 1) * heads.length() + MOST_LANES;
    }
  }

  private static MemorySegment later() {
    MemorySegment rows = Arena.global().allocate(4L * LANES * (LONGEST + LANES), 64);
    for (int key = 0; key < LANES; key++) {
      for (int query = 0; query < key; query++) {
        rows.setAtIndex(ValueLayout.JAVA_FLOAT, (long) (LONGEST + key) * LANES + query,
            Float.NEGATIVE_INFINITY);
      }
    }
    return rows;
  }

  /**
   * out = softmax(scores) v.
   *
   * @param qkv [slice rows, width of queries, keys and values]
   * @param out [slice rows, d]
   * @param kept [slice rows, heads], which it lays out as it likes: receives what {@link #backward} needs of each row
   */
  Kernel forward(Matrix qkv, Matrix out, Matrix kept) {
    return firstRow -> {
      for (int window = 0; window < qkv.rows(); window += length) {
        long from = read(qkv, window, qkvWindow);
        forward(from, 4L * qkv.columns(), mixedWindow, 4L * out.columns(),
            kept.offset() + 4L * window * heads.count());
        give(mixedWindow, out, window);
      }
    };
  }

  private void forward(long qkv, long qkvRow, long out, long outRow, long kept) {
    long in = inPlace ? qkvRow : row;
    for (int keyHead = 0; keyHead < heads.keyCount(); keyHead++) {
      long k = take(qkv, qkvRow, keyColumn(keyHead), keys);
      long v = take(qkv, qkvRow, valueColumn(keyHead), values);
      for (int head = keyHead * heads.group(); head < (keyHead + 1) * heads.group(); head++) {
        long q = take(qkv, qkvRow, head * heads.width(), queries);
        Strips.transpose(base + q, in, length, padded, base + queryColumns, scoreRow);
        scores(k, in, queryColumns, weights);
        softmax(kept + 4L * head * length);
        long mixed = inPlace ? out + 4L * head * heads.width() : result;
        long mixedRow = inPlace ? outRow : row;
        downColumns(weights, v, in, mixed, mixedRow);
        Strips.scaleRows(base + mixed, mixedRow, length, padded, base + sums);
        give(mixed, out, outRow, head * heads.width());
      }
    }
  }

  /**
   * Gradient of queries, keys and values. With weights p and their gradient dp = dOut v^T, the gradient of the
   * scores is p (dp - sum(p dp)).
   *
   * @param kept as {@link #forward} left it
   * @param dOut [slice rows, d]
   * @param dQkv as qkv, written
   */
  Kernel backward(Matrix qkv, Matrix kept, Matrix dOut, Matrix dQkv) {
    return firstRow -> {
      for (int window = 0; window < qkv.rows(); window += length) {
        long from = read(qkv, window, qkvWindow);
        long gradient = read(dOut, window, mixedWindow);
        backward(from, dQkvWindow, 4L * qkv.columns(), gradient, 4L * dOut.columns(),
            kept.offset() + 4L * window * heads.count());
        give(dQkvWindow, dQkv, window);
      }
    };
  }

  private void backward(long qkv, long dQkv, long qkvRow, long dOut, long dOutRow, long kept) {
    long in = inPlace ? qkvRow : row;
    long dIn = inPlace ? dOutRow : row;
    for (int keyHead = 0; keyHead < heads.keyCount(); keyHead++) {
      long k = take(qkv, qkvRow, keyColumn(keyHead), keys);
      long v = take(qkv, qkvRow, valueColumn(keyHead), values);
      boolean alone = inPlace && heads.group() == 1;
      long dK = alone ? dQkv + 4L * keyColumn(keyHead) : dKeys;
      long dV = alone ? dQkv + 4L * valueColumn(keyHead) : dValues;
      long sumRow = alone ? qkvRow : row;
      for (int member = 0; member < heads.group(); member++) {
        int head = keyHead * heads.group() + member;
        long q = take(qkv, qkvRow, head * heads.width(), queries);
        long d = take(dOut, dOutRow, head * heads.width(), dMixed);
        Strips.transpose(base + q, in, length, padded, base + queryColumns, scoreRow);
        Strips.transpose(base + d, dIn, length, padded, base + dMixedColumns, scoreRow);
        scores(k, in, queryColumns, weights);
        scores(v, in, dMixedColumns, dScores);
        softmaxBackward(kept + 4L * head * length);
        long dQ = inPlace ? dQkv + 4L * head * heads.width() : result;
        downColumns(dScores, k, in, dQ, in);
        give(dQ, dQkv, qkvRow, head * heads.width());
        sumOverGroup(weights, d, dIn, dV, sumRow, member);
        sumOverGroup(dScores, q, in, dK, sumRow, member);
      }
      if (!alone) {
        giveRows(dKeys, dQkv, qkvRow, keyColumn(keyHead));
        giveRows(dValues, dQkv, qkvRow, valueColumn(keyHead));
      }
    }
  }

  private int keyColumn(int keyHead) {
    return (heads.count() + keyHead) * heads.width();
  }

  private int valueColumn(int keyHead) {
    return heads.qkWidth() + keyHead * heads.width();
  }

  /** A window of a matrix in fp32 at a place in the work space. */
  private long read(Matrix matrix, int window, long work) {
    Loops.convert(memory, matrix.at(window, 0), matrix.isBf16(), work, false,
        (long) length * matrix.columns());
    return work;
  }

  /** What was computed in the work space goes where it belongs. */
  private void give(long from, Matrix matrix, int window) {
    Loops.convert(memory, from, false, matrix.at(window, 0), matrix.isBf16(),
        (long) length * matrix.columns());
  }

  /**
   * Where one head's columns of a window are, to full vectors. What lies behind a head is taken too, and goes
   * nowhere.
   */
  private long take(long window, long windowRow, int column, long work) {
    long at = window + 4L * column;
    if (inPlace) {
      return at;
    }
    Loops.takeRows(memory, at, windowRow, work, length, padded);
    return work;
  }

  private void give(long from, long window, long windowRow, int column) {
    if (!inPlace) {
      giveRows(from, window, windowRow, column);
    }
  }

  private void giveRows(long from, long window, long windowRow, int column) {
    Loops.giveRows(memory, from, padded, window + 4L * column, windowRow, length, heads.width());
  }

  /** Scores of all pairs that see each other, [keys, queries]. */
  private void scores(long keyRows, long keyRow, long columns, long to) {
    for (int key = 0; key < length; key += LANES) {
      Tiles.multiply(memory, keyRows + key * keyRow, keyRow, 4, columns + 4L * key, scoreRow, heads.width(),
          to + key * scoreRow + 4L * key, scoreRow, LANES, (length - key) / LANES);
    }
  }

  /** out[query] = sum of x[key, query] * rows[key], over the keys that each query sees. */
  private void downColumns(long x, long rows, long rowBytes, long out, long outRow) {
    for (int query = 0; query < length; query += LANES) {
      Tiles.multiply(memory, x + 4L * query, 4, scoreRow, rows, rowBytes, query + LANES, out + query * outRow,
          outRow, LANES, padded / LANES);
    }
  }

  /** out[key] = sum of x[key, query] * rows[query], over the queries that see each key. */
  private void alongRows(long x, long rows, long rowBytes, long out, long outRow) {
    for (int key = 0; key < length; key += LANES) {
      Tiles.multiply(memory, x + key * scoreRow + 4L * key, scoreRow, 4, rows + key * rowBytes, rowBytes,
          length - key, out + key * outRow, outRow, LANES, padded / LANES);
    }
  }

  /** Heads of queries that share keys and values add up their gradients. */
  private void sumOverGroup(long x, long rows, long rowBytes, long sum, long sumRow, int member) {
    if (member == 0) {
      alongRows(x, rows, rowBytes, sum, sumRow);
    } else {
      alongRows(x, rows, rowBytes, result, row);
      Loops.accumulate(memory, result, false, sum, (long) length * padded);
    }
  }

  /** Weights times their sums, and one over these. */
  private void softmax(long kept) {
    for (int query = 0; query < length; query += LANES) {
      long x = base + weights + 4L * query;
      int seen = query + LANES;
      Strips.shifts(x, scoreRow, seen, mask(query), scale, base + shifts);
      Strips.exponentials(x, scoreRow, seen, mask(query), scale, base + shifts, base + sums + 4L * query,
          bf16);
      Strips.normalisers(base + shifts, base + sums + 4L * query, base + kept + 4L * query);
    }
  }

  private void softmaxBackward(long kept) {
    for (int query = 0; query < length; query += LANES) {
      long x = base + weights + 4L * query;
      long dX = base + dScores + 4L * query;
      int seen = query + LANES;
      Strips.weights(x, dX, scoreRow, seen, mask(query), scale, base + kept + 4L * query, base + sums);
      Strips.gradients(x, dX, scoreRow, seen, scale, base + sums, bf16);
    }
  }

  /** Address of what a strip's scores get: as many zeros as there are keys before its queries, then the square. */
  private static long mask(int query) {
    return LATER + 4L * LANES * (LONGEST - query);
  }
}
