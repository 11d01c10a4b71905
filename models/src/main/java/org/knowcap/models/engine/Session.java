package org.knowcap.models.engine;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.knowcap.models.engine.routing.RoutingMetrics;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/**
 * A compiled program with its parameters and optimiser state. Host data is plain arrays; R is {@link Program#stepRows}.
 * A session belongs to one thread.
 */
public interface Session extends AutoCloseable {
  /** Name of the parameters among {@link #state}. */
  String PARAMETERS = "parameters";

  /**
   * One training step: losses, gradients of their mean, update.
   *
   * @param tokens [R]
   * @param targets [R]; {@link Targets#NONE} where a token's loss does not count
   * @param learningRate for this step
   * @param step number of this step, from 1, counting the earlier steps of the optimiser's state (AdamW's bias
   *     correction needs it)
   * @throws IllegalStateException for a scoring program
   */
  void step(int[] tokens, int[] targets, double learningRate, long step);

  /**
   * Length of the last step's gradient before it was clipped; empty where gradients are not clipped, and before a step.
   */
  OptionalDouble gradientNorm();

  /** Mean loss over the tokens of the last step that have a target, in nats, before its update. */
  double loss();

  /**
   * Loss of each token, without learning.
   *
   * @param tokens [R]
   * @param targets [R]; {@link Targets#NONE} gives a loss of 0
   * @param losses filled with -ln p of each target, in nats, [R]
   */
  void losses(int[] tokens, int[] targets, float[] losses);

  /**
   * Loss of each token, without learning, and the token that the model finds most likely at the target's place.
   *
   * @param tokens [R]
   * @param targets [R]
   * @param losses filled with -ln p of each target, in nats, [R]
   * @param predictions filled with the most likely token, [R]; the smallest id if several are equally likely
   */
  void score(int[] tokens, int[] targets, float[] losses, int[] predictions);

  /**
   * What each router did in the last step or scoring, in the order of blocks; empty where the program has none. An
   * engine that takes a step's batches one by one reports the last batch.
   */
  default List<RoutingMetrics> routing() {
    return List.of();
  }

  /**
   * Copies of the flat buffers by name: {@link #PARAMETERS}, [P], and, in training, the optimiser's, see
   * {@link org.knowcap.models.program.StateBuffer}, all in the program's parameter order.
   */
  Map<String, float[]> state();

  /** A copy of one of the program's parameters, [n, m]. */
  float[] parameter(Parameter parameter);

  /**
   * Overwrites the flat buffers named; others stay.
   *
   * @throws IllegalArgumentException for a name or a length that the program does not have
   */
  void load(Map<String, float[]> state);

  @Override
  void close();
}
