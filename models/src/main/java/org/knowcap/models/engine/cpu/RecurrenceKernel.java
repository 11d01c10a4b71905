package org.knowcap.models.engine.cpu;

import static org.knowcap.models.engine.cpu.Vectors.LANES;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.knowcap.models.program.Recurrence;

/**
 * Linear attention with gates, by chunks of up to {@value #CHUNK} tokens (arXiv 2312.06635, section 4; arXiv 2412.06464,
 * section 3.3): one window and one head at a time, in fp32. A chunk ends where its document ends, so no chunk needs a mask
 * but the causal one.
 *
 * <p>Within a chunk let G_t be the sum of the logarithms of decays up to token t, m that sum at a token in the middle, and
 * S the state before the chunk times e^m. With Q = q e^(G-m) / sqrt(key width), P = k e^(G-m) and K = k e^(m-G) a chunk is
 * one without decays:
 *
 * <pre>
 * U = V, or under the delta rule U = b (V - P S - lower(P K^T) U), row after row
 * out = Q S + (lower(Q K^T) with its diagonal) U
 * state behind the chunk = e^(G_last - m) (S + K^T U)
 * </pre>
 *
 * <p>Exponents are taken relative to the middle, and decays are bounded ({@link Recurrence#LEAST_LOG_DECAY}), so every
 * factor is a normal number. The backward part first computes the states between chunks again, then goes through the chunks
 * from the last to the first. Under the delta rule the rows of P lie behind those of Q, and those of a gradient behind
 * those of another, so that one matmul does both.
 */
final class RecurrenceKernel {
  static final int CHUNK = 16;
  /** A little more than the sigmoid of GLA where the logarithm of a decay is bounded. */
  private static final float LEAST_SIGMOID = (float) (1.001
      * Math.exp(Recurrence.TEMPERATURE * Recurrence.LEAST_LOG_DECAY));

  private final MemorySegment memory;
  /** Address of the memory's first byte. */
  private final long base;
  private final Recurrence.Shape shape;
  private final boolean delta;
  private final long documents;
  private final boolean documented;
  private final float scale;
  private final int length;
  private final Work w;
  /** The first token of each chunk of a window, and the window's length behind the last. */
  private final int[] starts;

  /**
   * Places in the work space, in bytes. A command that only counts bytes loads this class without the Vector API.
   */
  static final class Work {
    /** Floats of a row of keys, and of values: full vectors of any machine. */
    private final int keys;
    private final int values;
    /** Rows of Q and of P; bytes from one of their rows to the next, each with its row of products with K behind it. */
    private final int rows;
    private final int qpRow;
    /** A window of queries, keys and values, its gradient, and its results or their gradient, as they lie in rows. */
    private final long qkvWindow;
    private final long dQkvWindow;
    private final long outWindow;
    /** A head's in a window. */
    private final long q;
    private final long k;
    private final long g;
    private final long v;
    private final long out;
    private final long dQ;
    private final long dK;
    private final long dG;
    private final long dV;
    private final long strengths;
    private final long dStrengths;
    private final long queryLengths;
    private final long keyLengths;
    private final long states;
    /** A chunk's. */
    private final long sums;
    private final long up;
    private final long down;
    private final long qp;
    private final long kRows;
    private final long kColumns;
    /** S, and U behind it. */
    private final long state;
    private final long u;
    private final long errors;
    private final long dState;
    private final long middle;
    private final long last;
    private final long dLast;
    private final long dOut;
    private final long dOutColumns;
    private final long uColumns;
    private final long dProducts;
    private final long dProductColumns;
    private final long dQp;
    private final long dKRows;
    private final long product;
    private final long other;
    private long end;

    private Work(Recurrence o, long from) {
      Recurrence.Shape shape = o.shape();
      int length = shape.length();
      end = from;
      keys = Matrix.stride(shape.keyWidth());
      values = Matrix.stride(shape.valueWidth());
      rows = o.delta().isPresent() ? 2 * CHUNK : CHUNK;
      qpRow = 4 * (keys + CHUNK);
      qkvWindow = floats(Matrix.stride(length * shape.qkvWidth()));
      dQkvWindow = floats(Matrix.stride(length * shape.qkvWidth()));
      outWindow = floats(Matrix.stride(length * shape.heads() * shape.valueWidth()));
      q = floats(length * keys);
      k = floats(length * keys);
      g = floats(length * keys);
      v = floats(length * values);
      out = floats(length * values);
      dQ = floats(length * keys);
      dK = floats(length * keys);
      dG = floats(length * keys);
      dV = floats(length * values);
      strengths = floats(Matrix.stride(length));
      dStrengths = floats(Matrix.stride(length));
      queryLengths = floats(Matrix.stride(length));
      keyLengths = floats(Matrix.stride(length));
      states = floats((length / CHUNK + 1) * keys * values);
      sums = floats(CHUNK * keys);
      up = floats(CHUNK * keys);
      down = floats(CHUNK * keys);
      qp = floats(rows * (keys + CHUNK));
      kRows = floats(CHUNK * keys);
      kColumns = floats(CHUNK * keys);
      state = floats(keys * values);
      u = floats(CHUNK * values);
      errors = floats(CHUNK * values);
      dState = floats(keys * values);
      middle = floats(keys);
      last = floats(keys);
      dLast = floats(keys);
      dOut = floats(rows * values);
      dOutColumns = floats(rows * values);
      uColumns = floats(CHUNK * values);
      dProducts = floats(rows * CHUNK);
      dProductColumns = floats(rows * CHUNK);
      dQp = floats(rows * keys);
      dKRows = floats(CHUNK * keys);
      int most = Math.max(Math.max(keys * values, rows * values), rows * keys);
      product = floats(most);
      other = floats(most);
    }

    private long floats(int count) {
      long at = end;
      end += 4L * count;
      return at;
    }

    /** Floats of work space. */
    static long size(Recurrence o) {
      return new Work(o, 0).end / 4;
    }
  }

  /**
   * @param documents offset of the position at which each token's document begins in its window, int32 [R]; read only where
   *     the operation looks at documents
   * @param work offset of {@link Work#size} floats
   */
  RecurrenceKernel(MemorySegment memory, Recurrence operation, long documents, long work) {
    this.memory = memory;
    base = memory.address();
    shape = operation.shape();
    delta = operation.delta().isPresent();
    documented = operation.documents().isPresent();
    this.documents = documents;
    length = shape.length();
    scale = (float) (1 / Math.sqrt(shape.keyWidth()));
    w = new Work(operation, work);
    starts = new int[length + 1];
  }

  /**
   * What the operation reads, as it lies in memory.
   *
   * @param strengths under the delta rule, otherwise any
   * @param rates the same
   */
  record Inputs(Matrix qkv, Matrix decays, Matrix strengths, Matrix rates) {}

  /** @param out [slice rows, heads * value width] */
  Kernel forward(Inputs in, Matrix out) {
    return firstRow -> {
      for (int window = 0; window < out.rows(); window += length) {
        int chunks = chunks(firstRow + window);
        readWindow(in.qkv, window, w.qkvWindow);
        for (int head = 0; head < shape.heads(); head++) {
          read(in, window, head);
          for (int c = 0; c < chunks; c++) {
            open(c, firstRow + window);
            result(c);
            close();
          }
          put(w.out, w.values, w.outWindow, out.columns(), head * shape.valueWidth(), shape.valueWidth());
        }
        giveWindow(w.outWindow, out, window);
      }
    };
  }

  /**
   * @param gradients of what is read, written; those of rates are added to
   */
  Kernel backward(Inputs in, Matrix dOut, Inputs gradients) {
    return firstRow -> {
      for (int window = 0; window < dOut.rows(); window += length) {
        int chunks = chunks(firstRow + window);
        readWindow(in.qkv, window, w.qkvWindow);
        readWindow(dOut, window, w.outWindow);
        for (int head = 0; head < shape.heads(); head++) {
          read(in, window, head);
          take(w.outWindow, dOut.columns(), head * shape.valueWidth(), shape.valueWidth(), w.out, w.values);
          states(chunks, firstRow + window);
          Loops.zero(memory, w.dState, false, 0, stateSize());
          int stored = stored(chunks, firstRow + window);
          for (int c = chunks - 1; c >= 0; c--) {
            boolean followed = c + 1 < chunks && continues(c + 1, firstRow + window);
            dLast(followed ? stateAt(stored) : 0);
            stored -= followed ? 1 : 0;
            if (continues(c, firstRow + window)) {
              Loops.scale(memory, stateAt(stored), 1, w.state, false, stateSize());
            }
            open(c, firstRow + window);
            back(c, continues(c, firstRow + window));
          }
          give(in, gradients, window, head);
        }
        giveWindow(w.dQkvWindow, gradients.qkv, window);
      }
    };
  }

  private int stateSize() {
    return w.keys * w.values;
  }

  private static long row(long first, int index, int width) {
    return first + 4L * index * width;
  }

  /** Where the state before the index-th chunk that continues a document is kept, from 1. */
  private long stateAt(int index) {
    return w.states + 4L * (index - 1) * stateSize();
  }

  private float number(long at) {
    return memory.get(ValueLayout.JAVA_FLOAT, at);
  }

  private void set(long at, float x) {
    memory.set(ValueLayout.JAVA_FLOAT, at, x);
  }

  /** Cuts a window into chunks. */
  private int chunks(int firstRow) {
    int count = 0;
    for (int t = 0; t < length; count++) {
      starts[count] = t;
      int begin = begin(firstRow + t);
      int end = Math.min(t + CHUNK, length);
      do {
        t++;
      } while (t < end && begin(firstRow + t) == begin);
    }
    starts[count] = length;
    return count;
  }

  private int begin(int row) {
    return documented ? EmbeddingKernels.id(memory, documents, row) : 0;
  }

  /** Whether a chunk's document begins before it. */
  private boolean continues(int chunk, int firstRow) {
    return begin(firstRow + starts[chunk]) < starts[chunk];
  }

  /** A window in fp32. */
  private void readWindow(Matrix from, int window, long to) {
    Loops.convert(memory, from.at(window, 0), from.isBf16(), to, false, (long) length * from.columns());
  }

  private void giveWindow(long from, Matrix to, int window) {
    Loops.scaled(memory, from, false, 1, to.at(window, 0), to.isBf16(), length * to.columns());
  }

  /** A head's columns of a window's rows, with zeros to full vectors. */
  private void take(long window, int columns, int column, int width, long to, int padded) {
    if (width < padded) {
      Loops.zero(memory, to, false, 0, (long) length * padded);
    }
    RecurrenceLoops.copyRows(memory, window + 4L * column, 4L * columns, to, 4L * padded, length, width);
  }

  /** Where they came from. */
  private void put(long from, int padded, long window, int columns, int column, int width) {
    RecurrenceLoops.copyRows(memory, from, 4L * padded, window + 4L * column, 4L * columns, length, width);
  }

  private void read(Inputs in, int window, int head) {
    int keyWidth = shape.keyWidth();
    take(w.qkvWindow, shape.qkvWidth(), shape.query(head), keyWidth, w.q, w.keys);
    take(w.qkvWindow, shape.qkvWidth(), shape.key(head), keyWidth, w.k, w.keys);
    take(w.qkvWindow, shape.qkvWidth(), shape.value(head), shape.valueWidth(), w.v, w.values);
    if (delta) {
      float rate = (float) Math.exp(number(in.rates.at(0, head)));
      for (int t = 0; t < length; t++) {
        float log = -rate * softplus(number(in.decays.at(window + t, head)));
        RecurrenceLoops.fill(memory, row(w.g, t, w.keys), Math.max(log, Recurrence.LEAST_LOG_DECAY), w.keys);
        set(w.strengths + 4L * t, sigmoid(number(in.strengths.at(window + t, head))));
        set(w.queryLengths + 4L * t, unit(row(w.q, t, w.keys)));
        set(w.keyLengths + 4L * t, unit(row(w.k, t, w.keys)));
      }
    } else {
      take(in.decays.at(window, 0), in.decays.columns(), head * keyWidth, keyWidth, w.g, w.keys);
      RecurrenceLoops.exponentialsOfDistance(memory, w.g, w.dG, length * w.keys);
      RecurrenceLoops.logDecays(memory, w.g, w.dG, length * w.keys);
    }
  }

  private static float softplus(float x) {
    return (float) (Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))));
  }

  private static float sigmoid(float x) {
    return (float) (1 / (1 + Math.exp(-x)));
  }

  /** Divides a query or key by its length; returns one over it. */
  private float unit(long row) {
    float squares = Loops.dot(memory, row, false, row, false, w.keys);
    float inverse = (float) (1 / Math.sqrt(squares + Recurrence.LENGTH_EPSILON));
    Loops.scale(memory, row, inverse, row, false, w.keys);
    return inverse;
  }

  /** The states before all chunks that continue a document. */
  private void states(int chunks, int firstRow) {
    int stored = 0;
    for (int c = 0; c < chunks - 1; c++) {
      open(c, firstRow);
      close();
      if (continues(c + 1, firstRow)) {
        Loops.scale(memory, w.state, 1, stateAt(++stored), false, stateSize());
      }
    }
  }

  private int stored(int chunks, int firstRow) {
    int count = 0;
    for (int c = 1; c < chunks; c++) {
      count += continues(c, firstRow) ? 1 : 0;
    }
    return count;
  }

  /** Everything of a chunk but its result, from the state before it. */
  private void open(int chunk, int firstRow) {
    int from = starts[chunk];
    int count = starts[chunk + 1] - from;
    RecurrenceLoops.sums(memory, row(w.g, from, w.keys), w.sums, count, w.keys);
    long middle = row(w.sums, (count - 1) / 2, w.keys);
    RecurrenceLoops.exponentials(memory, middle, 1, w.middle, w.keys);
    RecurrenceLoops.factors(memory, w.sums, middle, w.up, count, w.keys);
    RecurrenceLoops.reciprocals(memory, w.up, w.down, count * w.keys);
    RecurrenceLoops.products(memory, row(w.q, from, w.keys), w.up, scale, w.qp, w.qpRow, count, w.keys);
    RecurrenceLoops.products(memory, row(w.k, from, w.keys), w.down, 1, w.kRows, 4L * w.keys, count, w.keys);
    if (delta) {
      RecurrenceLoops.products(memory, row(w.k, from, w.keys), w.up, 1, w.qp + (long) CHUNK * w.qpRow,
          w.qpRow, count, w.keys);
    }
    Loops.scale(memory, row(w.up, count - 1, w.keys), 1, w.last, false, w.keys);
    for (int r = count; r < CHUNK; r++) {
      Loops.zero(memory, w.qp + (long) r * w.qpRow, false, 0, w.keys);
      if (delta) {
        Loops.zero(memory, w.qp + (long) (CHUNK + r) * w.qpRow, false, 0, w.keys);
      }
    }
    Loops.zero(memory, row(w.kRows, count, w.keys), false, 0, (long) (CHUNK - count) * w.keys);
    Strips.transpose(base + w.kRows, 4L * w.keys, CHUNK, w.keys, base + w.kColumns, 4L * CHUNK);
    multiply(w.qp, w.qpRow, 4, w.kColumns, CHUNK, w.keys, w.qp + 4L * w.keys, w.qpRow, w.rows, CHUNK);
    mask(w.qp + 4L * w.keys, w.qpRow);
    if (continues(chunk, firstRow)) {
      scaleRows(w.state, w.middle);
    } else {
      Loops.zero(memory, w.state, false, 0, stateSize());
    }
    Loops.zero(memory, row(w.u, count, w.values), false, 0, (long) (CHUNK - count) * w.values);
    if (delta) {
      solve(from, count);
    } else {
      Loops.scale(memory, row(w.v, from, w.values), 1, w.u, false, count * w.values);
    }
  }

  /** Hides later keys from Q's rows, and from P's rows also the key of the token itself. */
  private void mask(long products, long rowBytes) {
    RecurrenceLoops.lower(memory, products, rowBytes, 0);
    if (delta) {
      RecurrenceLoops.lower(memory, products + CHUNK * rowBytes, rowBytes, 1);
    }
  }

  /** The delta rule: what the state lacks of each value, and what is written. */
  private void solve(int from, int count) {
    long p = w.qp + (long) CHUNK * w.qpRow;
    multiply(p, w.qpRow, 4, w.state, w.values, w.keys, w.product, 4L * w.values, CHUNK, w.values);
    RecurrenceLoops.solve(memory, row(w.v, from, w.values), w.product, p + 4L * w.keys, w.qpRow,
        w.strengths + 4L * from, w.errors, w.u, count, w.values);
  }

  /** Q and its products with K lie side by side, S and U one below the other: one matmul adds both parts. */
  private void result(int chunk) {
    multiply(w.qp, w.qpRow, 4, w.state, w.values, w.keys + CHUNK, w.product, 4L * w.values, CHUNK, w.values);
    int count = starts[chunk + 1] - starts[chunk];
    Loops.scale(memory, w.product, 1, row(w.out, starts[chunk], w.values), false, count * w.values);
  }

  /** The state behind the chunk. */
  private void close() {
    multiply(w.kRows, 4, 4L * w.keys, w.u, w.values, CHUNK, w.product, 4L * w.values, w.keys, w.values);
    Loops.add(memory, w.state, false, w.product, false, w.state, false, stateSize());
    scaleRows(w.state, w.last);
  }

  /** Each row of a state times its number. */
  private void scaleRows(long state, long factors) {
    RecurrenceLoops.scaleRows(memory, state, factors, w.keys, w.values);
  }

  /**
   * out = a b, all in fp32.
   *
   * @param aRow bytes from one row of a to the next
   * @param aColumn bytes from one column of a to the next
   * @param bColumns floats of a row of b, all of which are full vectors
   * @param columns floats of a row of out
   */
  private void multiply(long a, long aRow, long aColumn, long b, int bColumns, int depth, long out,
      long outRow, int rows, int columns) {
    Tiles.multiply(memory, a, aRow, aColumn, b, 4L * bColumns, depth, out, outRow, rows, columns / LANES);
  }

  /** The gradient of the sum of logarithms at a chunk's last token, by way of the state behind it; 0 for none. */
  private void dLast(long state) {
    if (state == 0) {
      Loops.zero(memory, w.dLast, false, 0, w.keys);
    } else {
      RecurrenceLoops.rowDots(memory, state, w.dState, w.dLast, w.keys, w.values);
    }
  }

  /** From the gradient of the state behind a chunk to that before it, and to what its tokens bring. */
  private void back(int chunk, boolean continues) {
    int from = starts[chunk];
    int count = starts[chunk + 1] - from;
    long products = w.qp + 4L * w.keys;
    scaleRows(w.dState, w.last);
    Loops.scale(memory, row(w.out, from, w.values), 1, w.dOut, false, count * w.values);
    Loops.zero(memory, row(w.dOut, count, w.values), false, 0, (long) (w.rows - count) * w.values);
    // dU
    multiply(products, 4, w.qpRow, w.dOut, w.values, CHUNK, w.product, 4L * w.values, CHUNK, w.values);
    multiply(w.kRows, 4L * w.keys, 4, w.dState, w.values, w.keys, w.other, 4L * w.values, CHUNK, w.values);
    Loops.add(memory, w.product, false, w.other, false, w.product, false, CHUNK * w.values);
    if (delta) {
      solveBack(from, count);
    } else {
      Loops.scale(memory, w.product, 1, row(w.dV, from, w.values), false, count * w.values);
    }
    // Gradients of the products with K.
    Strips.transpose(base + w.u, 4L * w.values, CHUNK, w.values, base + w.uColumns, 4L * CHUNK);
    Strips.transpose(base + w.dOut, 4L * w.values, w.rows, w.values, base + w.dOutColumns, 4L * w.rows);
    multiply(w.dOut, 4L * w.values, 4, w.uColumns, CHUNK, w.values, w.dProducts, 4L * CHUNK, w.rows, CHUNK);
    mask(w.dProducts, 4L * CHUNK);
    Strips.transpose(base + w.dProducts, 4L * CHUNK, w.rows, CHUNK, base + w.dProductColumns, 4L * w.rows);
    // dQ and dP, first with a row for each component.
    multiply(w.state, 4L * w.values, 4, w.dOutColumns, w.rows, w.values, w.product, 4L * w.rows, w.keys,
        w.rows);
    multiply(w.kRows, 4, 4L * w.keys, w.dProductColumns, w.rows, CHUNK, w.other, 4L * w.rows, w.keys, w.rows);
    Loops.add(memory, w.product, false, w.other, false, w.product, false, (long) w.keys * w.rows);
    Strips.transpose(base + w.product, 4L * w.rows, w.keys, w.rows, base + w.dQp, 4L * w.keys);
    // dK
    multiply(w.dState, 4L * w.values, 4, w.uColumns, CHUNK, w.values, w.product, 4L * CHUNK, w.keys, CHUNK);
    multiply(w.qp, 4, w.qpRow, w.dProducts, CHUNK, w.rows, w.other, 4L * CHUNK, w.keys, CHUNK);
    Loops.add(memory, w.product, false, w.other, false, w.product, false, (long) w.keys * CHUNK);
    Strips.transpose(base + w.product, 4L * CHUNK, w.keys, CHUNK, base + w.dKRows, 4L * w.keys);
    tokens(from, count);
    // The state before the chunk.
    if (continues) {
      multiply(w.qp, 4, w.qpRow, w.dOut, w.values, w.rows, w.product, 4L * w.values, w.keys, w.values);
      Loops.add(memory, w.dState, false, w.product, false, w.dState, false, stateSize());
      scaleRows(w.dState, w.middle);
    } else {
      Loops.zero(memory, w.dState, false, 0, stateSize());
    }
  }

  /**
   * From dU to the gradient of values, which with its sign turned goes behind dOut's rows, and of strengths.
   */
  private void solveBack(int from, int count) {
    long p = w.qp + (long) CHUNK * w.qpRow;
    RecurrenceLoops.solveBack(memory, p + 4L * w.keys, w.qpRow, w.strengths + 4L * from, w.product,
        row(w.dOut, CHUNK, w.values), row(w.dV, from, w.values), count, w.values);
    RecurrenceLoops.rowDots(memory, w.product, w.errors, w.dStrengths + 4L * from, count, w.values);
    for (int t = from; t < from + count; t++) {
      float strength = number(w.strengths + 4L * t);
      set(w.dStrengths + 4L * t, number(w.dStrengths + 4L * t) * strength * (1 - strength));
    }
  }

  /** Gradients of a chunk's queries, keys and decays. */
  private void tokens(int from, int count) {
    long token = row(0, from, w.keys);
    RecurrenceLoops.tokens(memory, w.dLast, w.qp, w.qpRow, w.kRows, w.up, w.down, w.dQp, w.dKRows, scale,
        w.dQ + token, w.dK + token, w.dG + token, count, w.keys);
    if (delta) {
      RecurrenceLoops.tokensOfDelta(memory, w.qp + (long) CHUNK * w.qpRow, w.qpRow, w.up,
          row(w.dQp, CHUNK, w.keys), w.dK + token, w.dG + token, count, w.keys);
    }
  }

  /** Gradients of a head in a window go where they belong. */
  private void give(Inputs in, Inputs gradients, int window, int head) {
    int keyWidth = shape.keyWidth();
    if (delta) {
      giveGates(in, gradients, window, head);
    } else {
      RecurrenceLoops.exponentials(memory, w.g, Recurrence.TEMPERATURE, w.g, length * w.keys);
      RecurrenceLoops.decaySlopes(memory, w.g, LEAST_SIGMOID, w.dG, length * w.keys);
      put(w.dG, w.keys, gradients.decays.at(window, 0), gradients.decays.columns(), head * keyWidth,
          keyWidth);
    }
    int columns = shape.qkvWidth();
    put(w.dQ, w.keys, w.dQkvWindow, columns, shape.query(head), keyWidth);
    put(w.dK, w.keys, w.dQkvWindow, columns, shape.key(head), keyWidth);
    put(w.dV, w.values, w.dQkvWindow, columns, shape.value(head), shape.valueWidth());
  }

  /** Under the delta rule: of decays, strengths and rates, and of the division of queries and keys by their length. */
  private void giveGates(Inputs in, Inputs gradients, int window, int head) {
    float rate = (float) Math.exp(number(in.rates.at(0, head)));
    float dRate = 0;
    for (int t = 0; t < length; t++) {
      float z = number(in.decays.at(window + t, head));
      float log = -rate * softplus(z);
      float dLog = log > Recurrence.LEAST_LOG_DECAY
          ? Loops.sum(memory, row(w.dG, t, w.keys), false, shape.keyWidth())
          : 0;
      dRate += dLog * log;
      set(gradients.decays.at(window + t, head), -dLog * rate * sigmoid(z));
      set(gradients.strengths.at(window + t, head), number(w.dStrengths + 4L * t));
      unitBack(row(w.q, t, w.keys), row(w.dQ, t, w.keys), number(w.queryLengths + 4L * t));
      unitBack(row(w.k, t, w.keys), row(w.dK, t, w.keys), number(w.keyLengths + 4L * t));
    }
    long at = gradients.rates.at(0, head);
    set(at, number(at) + dRate);
  }

  private void unitBack(long x, long dX, float inverse) {
    float along = Loops.dot(memory, x, false, dX, false, w.keys);
    Loops.accumulateScaled(memory, x, false, -along, dX, w.keys);
    Loops.scale(memory, dX, inverse, dX, false, w.keys);
  }
}
