package org.knowcap.models.engine;

import java.util.List;
import java.util.Map;

/**
 * A compiled program with its parameters and optimiser state. Host data is plain arrays; R = windows * length tokens.
 * A session belongs to one thread.
 */
public interface Session extends AutoCloseable {
  /** Name of the parameters among {@link #state}. */
  String PARAMETERS = "parameters";

  /**
   * One training step: losses, gradients of their mean, update.
   *
   * @param tokens [R]
   * @param targets [R]
   * @param learningRate for this step
   * @param step of those that the optimiser's state has seen, this one's number, from 1 (AdamW's bias correction
   *     needs it)
   * @throws IllegalStateException for a scoring program
   */
  void step(int[] tokens, int[] targets, double learningRate, long step);

  /** Mean loss over the tokens of the last step, in nats, before its update. */
  double loss();

  /**
   * Loss of each token, without learning.
   *
   * @param tokens [R]
   * @param targets [R]
   * @param losses filled with -ln p of each target, in nats, [R]
   */
  void losses(int[] tokens, int[] targets, float[] losses);

  /** What each router did in the last step or scoring, in the order of blocks; empty where the program has none. */
  default List<RoutingMetrics> routing() {
    return List.of();
  }

  /**
   * Copies of the flat buffers by name: {@link #PARAMETERS} and, in training, the optimiser's, each [P] in the
   * program's parameter order.
   */
  Map<String, float[]> state();

  /**
   * Overwrites the flat buffers named; others stay.
   *
   * @throws IllegalArgumentException for a name or a length that is not the program's
   */
  void load(Map<String, float[]> state);

  @Override
  void close();
}
