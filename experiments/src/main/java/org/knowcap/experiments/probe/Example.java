package org.knowcap.experiments.probe;

import java.util.Map;

/**
 * A text, and what a probe is to tell at some of its tokens.
 *
 * @param tokens from the end-of-text token on
 * @param classes by the place of a token: the block and the class within it
 */
record Example(int[] tokens, Map<Integer, Label> classes) {
  /**
   * @param block of the probe's classifiers
   * @param number of the class
   */
  record Label(int block, int number) {}
}
