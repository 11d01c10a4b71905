package org.knowcap.generators.random;

import java.util.Objects;

/**
 * A family of pseudo-random permutations of 0..size-1, in constant memory: member m of the family is a pure
 * function of (key, m). It stands for a shuffled list that is too long to hold, or too many of them.
 *
 * <p>A balanced Feistel network permutes the smallest power of four that is at least size; an output
 * outside of the range is put through again until it falls inside (cycle walking: fewer than four passes on
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
   * Where the member's permutation takes an index.
   *
   * @param member 0..2^28-1
   * @param index  0..size-1
   */
  public long apply(long member, long index) {
    long x = Objects.checkIndex(index, size);
    do {
      long left = x >>> halfBits;
      long right = x & halfMask;
      for (int round = 0; round < rounds; round++) {
        long next = left ^ scramble(member, round, right);
        left = right;
        right = next;
      }
      x = left << halfBits | right;
    } while (x >= size);
    return x;
  }

  /** The index that the member's permutation takes to {@code value}: undoes {@link #apply}. */
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
