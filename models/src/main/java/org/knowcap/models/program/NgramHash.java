package org.knowcap.models.program;

import java.util.OptionalInt;

/**
 * Which rows of its tables a memory of n-grams reads (arXiv 2601.07372 has a multiply-and-xor hash, too). Let a_i be 1 + the id
 * of the token i places before a token, or 0 where that is not of its window or document. The n-gram that ends with the
 * token is g = a_0 + a_1 M + ... + a_(n-1) M^(n-1) mod 2^64. Table j takes row j * slots + floor(slots * mixed(g xor key_j) /
 * 2^64) of all tables under each other; first come the tables of n = 2, then those of n = 3, and so on. The function
 * {@code mixed} is that of SplitMix64. Checkpoints depend on all of this.
 *
 * @param longest the largest n
 * @param heads tables for each n
 * @param slots rows of a table
 * @param block number of the block, from 0: each has hashes of its own
 */
public record NgramHash(int longest, int heads, int slots, int block, int seed) {
  private static final long M = 0x9E3779B97F4A7C15L;
  /** More than a block can have tables. */
  private static final long BLOCK = 1024;

  /** Number of tables. */
  public int tables() {
    return (longest - 1) * heads;
  }

  private static long mixed(long x) {
    long y = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    long z = (y ^ (y >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  private long key(int table) {
    return mixed(mixed(seed + M) + BLOCK * block + table);
  }

  /** Finds the rows of whole windows, without memory of its own at each call. */
  public static final class Finder {
    private final NgramHash hash;
    private final int length;
    private final OptionalInt separator;
    private final long[] keys;

    /**
     * @param length tokens of a window
     * @param separator the id that documents begin with, where n-grams do not look beyond a document
     */
    Finder(NgramHash hash, int length, OptionalInt separator) {
      this.hash = hash;
      this.length = length;
      this.separator = separator;
      keys = new long[hash.tables()];
      for (int table = 0; table < keys.length; table++) {
        keys[table] = hash.key(table);
      }
    }

    /**
     * Finds them.
     *
     * @param tokens of windows one behind the other
     * @param rows receives those of each token, one for each table
     */
    public void find(int[] tokens, int[] rows) {
      boolean documented = separator.isPresent();
      int begins = separator.orElse(0);
      int start = 0;
      int place = 0;
      for (int at = 0; at < tokens.length; at++) {
        if (at % length == 0 || (documented && tokens[at] == begins)) {
          start = at;
        }
        long gram = tokens[at] + 1L;
        long power = M;
        int table = 0;
        for (int before = 1; before < hash.longest; before++) {
          if (at - before >= start) {
            gram += (tokens[at - before] + 1L) * power;
          }
          power *= M;
          for (int head = 0; head < hash.heads; head++) {
            rows[place++] = table * hash.slots
                + (int) Math.unsignedMultiplyHigh(mixed(gram ^ keys[table]), hash.slots);
            table++;
          }
        }
      }
    }
  }
}
