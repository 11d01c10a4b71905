package org.knowcap.generators.random;

/**
 * A stream of random numbers addressed by counter: number c is a pure function of (key, c), so any part of the
 * stream can be computed anywhere, in any order, on any thread; nothing has to be stored or replayed.
 *
 * <p>The function is the output mixer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, with Stafford's
 * constants, variant 13) over key + golden ratio * counter. Not for cryptography.
 */
public final class CounterRandom {
  private static final long GOLDEN_RATIO = 0x9E3779B97F4A7C15L;

  private final long key;

  /** A stream for a seed; neighbouring seeds give unrelated streams. */
  public CounterRandom(long seed) {
    key = mix(seed + GOLDEN_RATIO);
  }

  /** Number {@code counter} of the stream: 64 uniform bits. */
  public long bits(long counter) {
    return mix(key + GOLDEN_RATIO * counter);
  }

  /**
   * Number {@code counter} of the stream as an integer in 0..bound-1, uniform to within 2^-32 of its
   * probability.
   *
   * @param bound at least 1
   */
  public int below(int bound, long counter) {
    return (int) Math.unsignedMultiplyHigh(bits(counter), bound);
  }

  /** Another stream, unrelated to this one and to its other children. */
  public CounterRandom child(long stream) {
    return new CounterRandom(mix(key) + GOLDEN_RATIO * stream);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
