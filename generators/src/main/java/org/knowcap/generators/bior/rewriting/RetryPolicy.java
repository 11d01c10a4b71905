package org.knowcap.generators.bior.rewriting;

import java.time.Duration;

/**
 * How a server's failures are met. Before attempt k, from 1 on, the wait is first * 2^(k-1), but not above
 * most, and of that a half to the whole, drawn at random; or longer, if the server says so.
 *
 * @param attempts how often a request is sent at all, at least 1
 * @param first    wait before it is sent again
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

  /** @param share 0 to 1: where in the upper half of the wait */
  Duration pause(int failures, double share) {
    double whole = Math.min(most.toNanos(), first.toNanos() * Math.pow(2, failures - 1));
    return Duration.ofNanos((long) (whole * (1 + share) / 2));
  }
}
