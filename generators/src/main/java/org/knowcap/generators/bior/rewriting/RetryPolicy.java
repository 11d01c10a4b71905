package org.knowcap.generators.bior.rewriting;

import java.time.Duration;

/**
 * How often and when a failed request is sent again. After failure k, from 1 on, the wait is first * 2^(k-1), at
 * most {@code most}, times a random factor from one half to one; the server may ask for a longer wait.
 *
 * @param attempts how often a request is sent in all, at least 1
 * @param first    wait after the first failure
 * @param most     the longest wait
 * @param timeout  how long an answer may take
 */
public record RetryPolicy(int attempts, Duration first, Duration most, Duration timeout) {
  /** @throws IllegalArgumentException if a number is not above 0 */
  public RetryPolicy {
    if (attempts < 1 || !first.isPositive() || !most.isPositive() || !timeout.isPositive()) {
      throw new IllegalArgumentException("attempts, waits and time-out must be above 0, found " + attempts
          + ", " + first + ", " + most + " and " + timeout);
    }
  }

  /**
   * The wait after a failure.
   *
   * @param share 0 to 1: the position in the upper half of the range
   */
  Duration pause(int failures, double share) {
    double whole = Math.min(most.toNanos(), first.toNanos() * Math.pow(2, failures - 1));
    return Duration.ofNanos((long) (whole * (1 + share) / 2));
  }
}
