package org.knowcap.models.program;

/**
 * How the rows of a tensor split into attention heads.
 *
 * @param windows windows in the batch
 * @param length tokens of a window, T
 * @param count heads of queries
 * @param keyCount heads of keys, and of values: a divisor of count
 * @param width components of a head
 * @param reach number of tokens that a query sees, itself included; T if it sees all earlier tokens
 */
public record Heads(int windows, int length, int count, int keyCount, int width, int reach) {
  /** (query, key) pairs that see each other, over all windows and heads of queries. */
  public long pairs() {
    long all = (long) length * (length + 1) / 2;
    long unseen = (long) (length - reach) * (length - reach + 1) / 2;
    return windows * count * (all - unseen);
  }

  /** Columns of queries and keys together, which RoPE rotates. */
  public int qkWidth() {
    return (count + keyCount) * width;
  }

  /** Columns of queries, keys and values together. */
  public int qkvWidth() {
    return (count + 2 * keyCount) * width;
  }

  /** Heads of queries that share a head of keys. */
  public int group() {
    return count / keyCount;
  }

  /** The first key that a query sees. */
  public int firstKey(int query) {
    return Math.max(0, query - reach + 1);
  }
}
