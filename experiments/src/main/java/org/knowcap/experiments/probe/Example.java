package org.knowcap.experiments.probe;

import java.util.Map;

/**
 * A text, and the classes that a probe must predict at some of its tokens.
 *
 * @param tokens from the end-of-text token on
 * @param classes by the position of a token: the block of classifiers, and the class within it
 */
record Example(int[] tokens, Map<Integer, Label> classes) {
  /**
   * @param block of the probe's classifiers
   * @param number of the class
   */
  record Label(int block, int number) {}
}
