package org.knowcap.models.engine.nd4j;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.models.program.Attention;
import org.knowcap.models.program.Heads;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Attention over windows, with all scores of a layer in memory that every layer shares. */
final class AttentionCalls {
  /** Added to scores of what a query does not see: far enough below every score that exp gives exactly zero. */
  private static final double MASKED = -1e9;

  private final SessionArrays arrays;
  /** What is added to the scores of pairs, [windows * heads or 1, T * T]. */
  private final Map<List<Object>, INDArray> pairs = new HashMap<>();
  /** By documents and heads; the first layer of attention that needs one fills it, at each step. */
  private final Map<List<Record>, INDArray> documentMasks = new HashMap<>();

  AttentionCalls(SessionArrays arrays) {
    this.arrays = arrays;
  }

  /**
   * Queries (scaled), keys and values as [windows * heads, T, width], and the scores of all pairs as [windows * heads, T, T],
   * in memory that every layer shares.
   */
  private final class Scored {
    final Heads heads;
    final INDArray queries;
    final INDArray keys;
    final INDArray values;
    final INDArray distantQueries;
    final INDArray distantKeys;
    /** [windows * heads * T, T]. */
    final INDArray rows;
    /** [windows * heads, T, T]. */
    final INDArray bySlice;
    /** Of each row, [windows * heads * T, 1]. */
    final INDArray logSumExp;
    final CallList calls = new CallList(arrays);

    Scored(Attention o) {
      heads = o.heads();
      int slices = heads.windows() * heads.count();
      int length = heads.length();
      queries = byToken(20);
      keys = byToken(21);
      values = byToken(22);
      distantQueries = byToken(25);
      distantKeys = byToken(26);
      rows = arrays.scratch(23, slices * length, length);
      bySlice = rows.reshape(slices, length, length);
      logSumExp = arrays.scratch(27, slices * length, 1);
      INDArray qkv = arrays.of(o.qkv());
      queriesAndKeys(calls, qkv, heads, queries, keys);
      for (int member = 0; member < heads.group(); member++) {
        calls.copy(values(qkv, heads), shared(values, heads, member));
      }
      INDArray scores = rows.reshape(slices, length * length);
      calls.batchedMatmul(queries, false, keys, true, bySlice);
      switch (o.scores()) {
        case Attention.Scores.DotProduct _ -> {
          // The matmul is all.
        }
        case Attention.Scores.Rerope rerope -> {
          INDArray work = arrays.scratch(3, slices * length, length);
          INDArray others = work.reshape(slices, length * length);
          queriesAndKeys(calls, arrays.of(rerope.qkv()), heads, distantQueries, distantKeys)
              .batchedMatmul(distantQueries, false, distantKeys, true, work.reshape(slices, length, length))
              .multiplyRow(scores, near(rerope), scores)
              .multiplyRow(others, far(rerope), others)
              .add(scores, others, scores);
        }
        case Attention.Scores.Alibi alibi -> calls.add(scores,
            pairs.computeIfAbsent(List.of("slopes", heads), _ -> slopes(heads, alibi)), scores);
      }
      o.documents().ifPresent(documents -> {
        INDArray mask = documentMasks.computeIfAbsent(List.of(documents, heads), _ -> {
          INDArray made = arrays.own(slices, length * length);
          calls.call(new DocumentMask(arrays.of(documents.tokens()), documents.separator(), heads, made));
          return made;
        });
        calls.add(scores, mask, scores);
      });
      calls.addRow(scores, pairs.computeIfAbsent(List.of("mask", heads), _ -> mask(heads)), scores);
    }

    private INDArray byToken(int slot) {
      int slices = heads.windows() * heads.count();
      return arrays.scratch(slot, slices * heads.length(), heads.width())
          .reshape(slices, heads.length(), heads.width());
    }

    INDArray near(Attention.Scores.Rerope rerope) {
      return pairs.computeIfAbsent(List.of("near", heads, rerope.window()),
          _ -> apart(heads, 0, rerope.window()));
    }

    INDArray far(Attention.Scores.Rerope rerope) {
      return pairs.computeIfAbsent(List.of("far", heads, rerope.window()),
          _ -> apart(heads, rerope.window(), heads.length()));
    }

    /** [windows, heads, T] of the operation's [R, heads], and of {@link #logSumExp}. */
    INDArray kept(Attention o) {
      return arrays.of(o.logSumExp())
          .reshape(heads.windows(), heads.length(), heads.count())
          .permute(0, 2, 1);
    }

    INDArray own() {
      return logSumExp.reshape(heads.windows(), heads.count(), heads.length());
    }
  }

  CallList attention(Attention o) {
    Scored scored = new Scored(o);
    Heads heads = o.heads();
    INDArray rows = scored.rows;
    INDArray sum = arrays.scratch(28, rows.rows(), 1);
    INDArray spread = arrays.scratch(3, rows.rows(), heads.length());
    INDArray mixed = scored.byToken(24);
    return scored.calls.rowMaximum(rows, scored.logSumExp)
        .subtractColumn(rows, scored.logSumExp, rows)
        .exp(rows, rows)
        .matmul(rows, false, arrays.ones(heads.length(), 1), false, false, sum)
        .divide(1, sum, arrays.scratch(2, rows.rows(), 1))
        .multiplyColumn(rows, arrays.scratch(2, rows.rows(), 1), spread, rows)
        .log(sum, sum)
        .add(scored.logSumExp, sum, scored.logSumExp)
        .copy(scored.own(), scored.kept(o))
        .batchedMatmul(scored.bySlice, false, scored.values, false, mixed)
        .copy(byWindow(mixed, heads), byHead(arrays.of(o.out()), heads, 0, heads.count()));
  }

  /** Queries scaled, and keys as often as there are heads of queries. */
  private static CallList queriesAndKeys(CallList calls, INDArray qkv, Heads heads, INDArray queries,
      INDArray keys) {
    calls.copy(byHead(qkv, heads, 0, heads.count()), byWindow(queries, heads))
        .scale(queries, 1 / Math.sqrt(heads.width()), queries);
    for (int member = 0; member < heads.group(); member++) {
      calls.copy(keys(qkv, heads), shared(keys, heads, member));
    }
    return calls;
  }

  /** With P the softmax: dV = P^T dO; dP = dO V^T; dS = P * (dP - rowsum(dO * O)); dQ = dS K; dK = dS^T Q. */
  CallList attentionBackward(Attention.Backward o) {
    Scored scored = new Scored(o.forward());
    Heads heads = o.forward().heads();
    int slices = heads.windows() * heads.count();
    int length = heads.length();
    int width = heads.width();
    INDArray dMixed = arrays.scratch(0, slices * length, width).reshape(slices, length, width);
    INDArray product = arrays.scratch(1, slices * length, width);
    INDArray column = arrays.scratch(2, slices * length, 1);
    INDArray dScores = arrays.scratch(3, slices * length, length);
    INDArray dScoresBySlice = dScores.reshape(slices, length, length);
    INDArray dValues = arrays.scratch(6, slices * length, width).reshape(slices, length, width);
    INDArray mixed = scored.byToken(24);
    INDArray dQkv = arrays.of(o.dQkv());
    CallList calls = scored.calls.copy(scored.kept(o.forward()), scored.own())
        .subtractColumn(scored.rows, scored.logSumExp, scored.rows)
        .exp(scored.rows, scored.rows)
        .copy(byHead(arrays.of(o.forward().out()), heads, 0, heads.count()), byWindow(mixed, heads))
        .copy(byHead(arrays.of(o.dOut()), heads, 0, heads.count()), byWindow(dMixed, heads))
        .batchedMatmul(scored.bySlice, true, dMixed, false, dValues)
        .batchedMatmul(dMixed, false, scored.values, true, dScoresBySlice)
        .multiply(dMixed, mixed, product.reshape(slices, length, width))
        .matmul(product, false, arrays.ones(width, 1), false, false, column)
        .subtractColumn(dScores, column, dScores)
        .multiply(dScoresBySlice, scored.bySlice, dScoresBySlice);
    if (o.forward().scores() instanceof Attention.Scores.Rerope rerope) {
      INDArray dDistant = arrays.of(o.dDistant().orElseThrow());
      INDArray work = arrays.scratch(9, slices * length, length);
      INDArray scores = dScores.reshape(slices, length * length);
      calls.multiplyRow(scores, scored.far(rerope), work.reshape(slices, length * length))
          .multiplyRow(scores, scored.near(rerope), scores)
          .call(() -> dDistant.assign(0));
      dQueriesAndKeys(calls, work.reshape(slices, length, length), scored.distantQueries, scored.distantKeys,
          heads, dDistant);
    }
    dQueriesAndKeys(calls, dScoresBySlice, scored.queries, scored.keys, heads, dQkv)
        .copy(shared(dValues, heads, 0), values(dQkv, heads));
    for (int member = 1; member < heads.group(); member++) {
      calls.add(values(dQkv, heads), shared(dValues, heads, member), values(dQkv, heads));
    }
    return calls;
  }

  private CallList dQueriesAndKeys(CallList calls, INDArray dScores, INDArray queries, INDArray keys,
      Heads heads, INDArray dQkv) {
    int rows = heads.windows() * heads.count() * heads.length();
    INDArray dQueries = arrays.scratch(4, rows, heads.width())
        .reshape(rows / heads.length(), heads.length(), heads.width());
    INDArray dKeys = arrays.scratch(5, rows, heads.width())
        .reshape(rows / heads.length(), heads.length(), heads.width());
    calls.batchedMatmul(dScores, false, keys, false, dQueries)
        .scale(dQueries, 1 / Math.sqrt(heads.width()), dQueries)
        .batchedMatmul(dScores, true, queries, false, dKeys)
        .copy(byWindow(dQueries, heads), byHead(dQkv, heads, 0, heads.count()))
        .copy(shared(dKeys, heads, 0), keys(dQkv, heads));
    for (int member = 1; member < heads.group(); member++) {
      calls.add(keys(dQkv, heads), shared(dKeys, heads, member), keys(dQkv, heads));
    }
    return calls;
  }

  /** Some heads of [R, heads * width], seen as [windows, heads, T, width]. */
  private static INDArray byHead(INDArray array, Heads heads, int from, int count) {
    return array.reshape(heads.windows(), heads.length(), array.columns() / heads.width(), heads.width())
        .get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(from, from + count),
            NDArrayIndex.all())
        .permute(0, 2, 1, 3);
  }

  private static INDArray keys(INDArray qkv, Heads heads) {
    return byHead(qkv, heads, heads.count(), heads.keyCount());
  }

  private static INDArray values(INDArray qkv, Heads heads) {
    return byHead(qkv, heads, heads.count() + heads.keyCount(), heads.keyCount());
  }

  /** [windows * heads, T, width] seen as [windows, heads, T, width]. */
  private static INDArray byWindow(INDArray array, Heads heads) {
    return array.reshape(heads.windows(), heads.count(), heads.length(), heads.width());
  }

  /** Of [windows * heads, T, width], one of the heads that share each head of keys: [windows, key heads, T, width]. */
  private static INDArray shared(INDArray array, Heads heads, int member) {
    return array.reshape(heads.windows(), heads.keyCount(), heads.group(), heads.length(), heads.width())
        .get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(member), NDArrayIndex.all(),
            NDArrayIndex.all());
  }

  /** [1, T * T]: zero where the query sees the key. */
  private INDArray mask(Heads heads) {
    int length = heads.length();
    float[] mask = new float[length * length];
    for (int query = 0; query < length; query++) {
      for (int key = 0; key < length; key++) {
        if (key > query || key < heads.firstKey(query)) {
          mask[query * length + key] = (float) MASKED;
        }
      }
    }
    INDArray array = arrays.own(1, length * length);
    array.data().setData(mask);
    return array;
  }

  /** [1, T * T]: one where a key is so many tokens before its query, from one number to before another. */
  private INDArray apart(Heads heads, int from, int to) {
    int length = heads.length();
    float[] apart = new float[length * length];
    for (int query = 0; query < length; query++) {
      for (int key = 0; key <= query; key++) {
        apart[query * length + key] = query - key >= from && query - key < to ? 1 : 0;
      }
    }
    INDArray array = arrays.own(1, length * length);
    array.data().setData(apart);
    return array;
  }

  /** [windows * heads, T * T]: what ALiBi adds to scores. */
  private INDArray slopes(Heads heads, Attention.Scores.Alibi alibi) {
    int length = heads.length();
    int slices = heads.windows() * heads.count();
    float[] slopes = new float[slices * length * length];
    for (int slice = 0; slice < slices; slice++) {
      double slope = alibi.slope(heads, slice % heads.count());
      for (int query = 0; query < length; query++) {
        for (int key = 0; key <= query; key++) {
          slopes[(slice * length + query) * length + key] = (float) (slope * (key - query));
        }
      }
    }
    INDArray array = arrays.own(slices, length * length);
    array.data().setData(slopes);
    return array;
  }

  /** Keeps a matrix [windows * heads, T * T] at {@link #MASKED} where a key is of an earlier document, zero elsewhere. */
  private static final class DocumentMask implements Runnable {
    private final INDArray tokens;
    private final int separator;
    private final Heads heads;
    private final INDArray matrix;
    private final float[] values;

    DocumentMask(INDArray tokens, int separator, Heads heads, INDArray matrix) {
      this.tokens = tokens;
      this.separator = separator;
      this.heads = heads;
      this.matrix = matrix;
      values = new float[Math.toIntExact(matrix.length())];
    }

    @Override
    public void run() {
      int length = heads.length();
      for (int window = 0; window < heads.windows(); window++) {
        int start = 0;
        for (int query = 0; query < length; query++) {
          start = tokens.data().getInt(window * length + query) == separator ? query : start;
          for (int head = 0; head < heads.count(); head++) {
            int row = ((window * heads.count() + head) * length + query) * length;
            Arrays.fill(values, row, row + start, (float) MASKED);
            Arrays.fill(values, row + start, row + length, 0);
          }
        }
      }
      matrix.data().setData(values);
    }
  }
}
