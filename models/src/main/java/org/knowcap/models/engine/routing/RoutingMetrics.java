package org.knowcap.models.engine.routing;

import java.util.List;

/**
 * What a router did with the tokens of a step, over all windows of the batch.
 *
 * @param router its place in the model, such as {@code block.0.mlp.router}
 * @param dropped share of the tokens' requests that got no slot; if experts choose, the share of tokens that no
 *        expert took
 * @param load each expert's share of the tokens' requests, or of the tokens taken if experts choose; the shares add
 *        up to 1
 * @param entropy of a token's probabilities over experts, mean over tokens, nats; ln E if all experts are equally
 *        likely
 * @param balance the load-balancing loss before its weight, 1 where loads are equal
 * @param zLoss the z-loss before its weight
 */
public record RoutingMetrics(String router, double dropped, List<Double> load, double entropy, double balance,
    double zLoss) {
  public RoutingMetrics {
    load = List.copyOf(load);
  }
}
