package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Heads;
import org.knowcap.models.engine.lowering.DType;

/**
 * Causal attention over windows that are short enough for a head's scores to stay in a core's cache: one window and one head at a
 * time, without a call of a library. Attention.Scores lie transposed, [keys, queries], so that the softmax of as many queries as a vector has
 * lanes goes down columns and needs no sums across lanes; what no query sees is not computed, but for the squares on the
 * diagonal. Arithmetic is in fp32 throughout; in bf16 the operands of products are rounded.
 */
final class ShortAttention {
  /** Tokens of the longest window. */
  private static final int LONGEST = 128;
  /** Added to the scores on the diagonal: minus infinity where the key comes after the query. */
  private static final MemorySegment LATER = later();

  private final MemorySegment memory;
  private final Heads heads;
  private final boolean bf16;
  private final int length;
  /** Width of a head to a full vector. */
  private final int padded;
  private final float scale;
  /** Bytes of a row of scores, and of a row of padded width. */
  private final long scoreRow;
  private final long row;
  /** Places in the work space: rows of fp32 of padded width; then transposed ones; scores; gradients; a vector each. */
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
    heads = operation.heads();
    bf16 = dtype.isBf16();
    length = heads.length();
    padded = padded(heads);
    scale = (float) (1 / Math.sqrt(heads.width()));
    scoreRow = 4L * length;
    row = 4L * padded;
    long rows = length * row;
    long scores = length * scoreRow;
    queries = work;
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

  /** Whether it can do such attention, on this machine. */
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
      return (9L * padded + 2L * heads.length()) * heads.length() + 2 * MOST_LANES;
    }
  }

  private static MemorySegment later() {
    MemorySegment square = Arena.global().allocate(4L * LANES * LANES, 64);
    for (int key = 0; key < LANES; key++) {
      for (int query = 0; query < key; query++) {
        square.setAtIndex(ValueLayout.JAVA_FLOAT, (long) key * LANES + query, Float.NEGATIVE_INFINITY);
      }
    }
    return square;
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
        for (int keyHead = 0; keyHead < heads.keyCount(); keyHead++) {
          take(qkv, window, keyColumn(keyHead), keys);
          take(qkv, window, valueColumn(keyHead), values);
          for (int head = keyHead * heads.group(); head < (keyHead + 1) * heads.group(); head++) {
            take(qkv, window, head * heads.width(), queries);
            Loops.transpose(memory, queries, length, padded, queryColumns, heads.width());
            scores(keys, queryColumns, weights);
            softmax(kept(kept, window, head));
            downColumns(weights, values, result);
            give(result, out, window, head * heads.width());
          }
        }
      }
    };
  }

  /**
   * Gradient of queries, keys and values. With weights p and their gradient dp = dOut v^T, the gradient of the scores is
   * p (dp - sum(p dp)).
   *
   * @param kept as {@link #forward} left it
   * @param dOut [slice rows, d]
   * @param dQkv as qkv, written
   */
  Kernel backward(Matrix qkv, Matrix kept, Matrix dOut, Matrix dQkv) {
    return firstRow -> {
      for (int window = 0; window < qkv.rows(); window += length) {
        for (int keyHead = 0; keyHead < heads.keyCount(); keyHead++) {
          take(qkv, window, keyColumn(keyHead), keys);
          take(qkv, window, valueColumn(keyHead), values);
          for (int member = 0; member < heads.group(); member++) {
            int head = keyHead * heads.group() + member;
            take(qkv, window, head * heads.width(), queries);
            take(dOut, window, head * heads.width(), dMixed);
            Loops.transpose(memory, queries, length, padded, queryColumns, heads.width());
            Loops.transpose(memory, dMixed, length, padded, dMixedColumns, heads.width());
            scores(keys, queryColumns, weights);
            scores(values, dMixedColumns, dScores);
            softmaxBackward(kept(kept, window, head));
            downColumns(dScores, keys, result);
            give(result, dQkv, window, head * heads.width());
            sumOverGroup(weights, dMixed, dValues, member);
            sumOverGroup(dScores, queries, dKeys, member);
          }
          give(dKeys, dQkv, window, keyColumn(keyHead));
          give(dValues, dQkv, window, valueColumn(keyHead));
        }
      }
    };
  }

  private int keyColumn(int keyHead) {
    return (heads.count() + keyHead) * heads.width();
  }

  private int valueColumn(int keyHead) {
    return heads.qkWidth() + keyHead * heads.width();
  }

  private long kept(Matrix kept, int window, int head) {
    return kept.offset() + 4L * (window * heads.count() + head * length);
  }

  /** One head's columns of a window's rows, in fp32. What lies behind a head is taken too, and goes nowhere. */
  private void take(Matrix matrix, int window, int column, long to) {
    Loops.widenRows(memory, matrix.at(window, column), matrix.rowBytes(), matrix.isBf16(), to, length,
        padded);
  }

  private void give(long from, Matrix matrix, int window, int column) {
    Loops.giveRows(memory, from, padded, matrix.at(window, column), matrix.rowBytes(), matrix.isBf16(),
        length, heads.width());
  }

  /** Attention.Scores of all pairs that see each other, [keys, queries]. */
  private void scores(long keyRows, long columns, long to) {
    for (int key = 0; key < length; key += LANES) {
      Tiles.multiply(memory, keyRows + key * row, row, 4, columns + 4L * key, scoreRow, heads.width(),
          to + key * scoreRow + 4L * key, scoreRow, LANES, (length - key) / LANES);
    }
  }

  /** out[query] = sum of x[key, query] * rows[key], over the keys that each query sees. */
  private void downColumns(long x, long rows, long out) {
    for (int query = 0; query < length; query += LANES) {
      Tiles.multiply(memory, x + 4L * query, 4, scoreRow, rows, row, query + LANES, out + query * row, row,
          LANES, padded / LANES);
    }
  }

  /** out[key] = sum of x[key, query] * rows[query], over the queries that see each key. */
  private void alongRows(long x, long rows, long out) {
    for (int key = 0; key < length; key += LANES) {
      Tiles.multiply(memory, x + key * scoreRow + 4L * key, scoreRow, 4, rows + key * row, row, length - key,
          out + key * row, row, LANES, padded / LANES);
    }
  }

  /** Heads of queries that share keys and values add up their gradients. */
  private void sumOverGroup(long x, long rows, long sum, int member) {
    if (member == 0) {
      alongRows(x, rows, sum);
    } else {
      alongRows(x, rows, result);
      Loops.accumulate(memory, result, false, sum, (long) length * padded);
    }
  }

  private void softmax(long kept) {
    for (int query = 0; query < length; query += LANES) {
      long x = weights + 4L * query;
      Loops.addSquare(memory, x + query * scoreRow, scoreRow, LATER);
      int seen = query + LANES;
      Loops.columnShifts(memory, x, scoreRow, seen, scale, shifts);
      Loops.columnExponentials(memory, x, scoreRow, seen, scale, shifts, sums);
      Loops.divideColumns(memory, x, scoreRow, seen, sums);
      Loops.weightShifts(memory, shifts, sums, kept + 4L * query);
      if (bf16) {
        Loops.roundRows(memory, x, scoreRow, seen);
      }
    }
  }

  private void softmaxBackward(long kept) {
    for (int query = 0; query < length; query += LANES) {
      long x = weights + 4L * query;
      long dX = dScores + 4L * query;
      Loops.addSquare(memory, x + query * scoreRow, scoreRow, LATER);
      int seen = query + LANES;
      Loops.columnWeights(memory, x, dX, scoreRow, seen, scale, kept + 4L * query, sums);
      Loops.columnGradients(memory, x, dX, scoreRow, seen, scale, sums);
      if (bf16) {
        Loops.roundRows(memory, x, scoreRow, seen);
        Loops.roundRows(memory, dX, scoreRow, seen);
      }
    }
  }
}
