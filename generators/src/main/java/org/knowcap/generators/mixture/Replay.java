package org.knowcap.generators.mixture;

import java.util.List;

/**
 * What training repeats while it writes new values.
 *
 * @param share of the windows, from 0 to below 1
 * @param written texts to repeat, tokens of each; empty for true texts about the people whose values stay
 */
public record Replay(double share, List<int[]> written) {
  /**
   * Keeps a copy of the list.
   *
   * @throws IllegalArgumentException if the share is out of range, or 0 although there are texts
   */
  public Replay {
    if (!(share >= 0 && share < 1)) {
      throw new IllegalArgumentException("replay must be a share from 0 to below 1, found " + share);
    }
    written = List.copyOf(written);
    if (share == 0 && !written.isEmpty()) {
      throw new IllegalArgumentException(
          "there are texts to replay, but the share of the windows that have them, 'replay', is 0");
    }
  }

  /** True texts about the people whose values stay. */
  public static Replay of(double share) {
    return new Replay(share, List.of());
  }
}
