package org.knowcap.models.engine.cpu;

/** Changes parameters by the gradients, which it zeroes for the next step; each worker has its part of them. */
interface Update {
  /**
   * Updates a worker's part.
   *
   * @param step that the optimiser's state has seen, from 1
   * @param scale factor that multiplies the gradients first
   */
  void run(int worker, double learningRate, long step, float scale);
}
