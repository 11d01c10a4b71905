package org.knowcap.generators.random;

import java.util.Objects;

/**
 * A family of pseudo-random permutations of 0..size-1, in constant memory: member m of the family is a pure
 * function of (key, m). It replaces shuffled lists that are too long, or too many, to store.
 *
 * <p>A balanced Feistel network permutes the smallest power of four that is at least size; an output
 * outside of the range goes through again until it falls inside (cycle walking: fewer than four passes on
 * average).
 */
public final class KeyedPermutation {
  /** The largest size: halves of 31 bits leave the counters below room for the round and the member. */
  public static final long MAX_SIZE = 1L << 62;

  private final CounterRandom random;
  private final long size;
  private final int halfBits;
  private final long halfMask;
  private final int rounds;

  /**
   * @param random the key
   * @param size   1..2^62
   * @throws IllegalArgumentException if the size is out of range
   */
  public KeyedPermutation(CounterRandom random, long size) {
    if (size < 1 || size > MAX_SIZE) {
      throw new IllegalArgumentException("size of a permutation must be 1.." + MAX_SIZE + ", found " + size);
    }
    this.random = random;
    this.size = size;
    halfBits = Math.max(1, (Long.SIZE - Long.numberOfLeadingZeros(size - 1) + 1) / 2);
    halfMask = (1L << halfBits) - 1;
    // Few bits a half mean few different round functions: more rounds make up for it.
    rounds = halfBits < 8 ? 12 : 6;
  }

  /**
   * The value to which the member's permutation maps an index.
   *
   * @param member 0..2^28-1
   * @param index  0..size-1
   */
  public long apply(long member, long index) {
    long x = Objects.checkIndex(index, size);
    do {
      x = pass(member, x);
    } while (x >= size);
    return x;
  }

  /**
   * The values to which the member's permutation maps a run of indices. The result is {@link #apply(long, long)} of
   * each index, several times as fast: the steps of one pass wait for each other, those of many passes do not.
   *
   * @param index  the first of the run
   * @param target receives the results in {@code target[from..to-1]}
   */
  public void apply(long member, long index, long[] target, int from, int to) {
    Objects.checkFromIndexSize(index, to - from, size);
    for (int first = from; first < to; first += Long.SIZE) {
      int count = Math.min(Long.SIZE, to - first);
      for (int i = 0; i < count; i++) {
        target[first + i] = index + (first - from) + i;
      }
      // A bit for each that is still outside of the range.
      long outside = -1L >>> (Long.SIZE - count);
      while (outside != 0) {
        long still = 0;
        for (long left = outside; left != 0; left &= left - 1) {
          int i = Long.numberOfTrailingZeros(left);
          long x = pass(member, target[first + i]);
          target[first + i] = x;
          // The sign of the difference instead of a branch that nobody can predict.
          still |= ~(x - size) >>> (Long.SIZE - 1) << i;
        }
        outside = still;
      }
    }
  }

  /** One pass through the Feistel network. */
  private long pass(long member, long x) {
    long left = x >>> halfBits;
    long right = x & halfMask;
    for (int round = 0; round < rounds; round++) {
      long next = left ^ scramble(member, round, right);
      left = right;
      right = next;
    }
    return left << halfBits | right;
  }

  /** The index that the member's permutation maps to {@code value}: the inverse of {@link #apply(long, long)}. */
  public long invert(long member, long value) {
    long x = Objects.checkIndex(value, size);
    do {
      long left = x >>> halfBits;
      long right = x & halfMask;
      for (int round = rounds - 1; round >= 0; round--) {
        long previous = right ^ scramble(member, round, left);
        right = left;
        left = previous;
      }
      x = left << halfBits | right;
    } while (x >= size);
    return x;
  }

  /** The round function; each (member, round, half) has a counter of its own. */
  private long scramble(long member, int round, long half) {
    return random.bits(((member * rounds + round) << 32) + half) & halfMask;
  }
}
