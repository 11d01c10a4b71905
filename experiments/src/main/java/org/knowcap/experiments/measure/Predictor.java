package org.knowcap.experiments.measure;

/** Anything that predicts the most likely next token: a session, or a stand-in with known answers. */
@FunctionalInterface
public interface Predictor {
  /**
   * @param tokens [windows * length]
   * @param predictions filled with the most likely token after each token, given the tokens before it in its window
   */
  void predict(int[] tokens, int[] predictions);
}
