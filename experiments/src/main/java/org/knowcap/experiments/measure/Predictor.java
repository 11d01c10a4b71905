package org.knowcap.experiments.measure;

/** Anything that says which token is the most likely next one: a session, or a stand-in that knows its part. */
@FunctionalInterface
public interface Predictor {
  /**
   * @param tokens [windows * length]
   * @param predictions filled with the most likely token behind each token and those before it in its window
   */
  void predict(int[] tokens, int[] predictions);
}
