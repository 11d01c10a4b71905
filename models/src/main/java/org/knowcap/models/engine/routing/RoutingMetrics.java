package org.knowcap.models.engine.routing;

import java.util.List;

/**
 * What a router did with the tokens of a step, over all of the batch's windows.
 *
 * @param router its place in the model, such as {@code block.0.mlp.router}
 * @param dropped of what tokens asked for, the share that was turned away for want of places; where experts choose, the
 *     share of tokens that none took
 * @param load each expert's share of what tokens asked for, of what experts took where these choose; adds up to 1
 * @param entropy of a token's probabilities over experts, mean over tokens, nats; ln E where the router is undecided
 * @param balance the load-balancing loss before its weight, 1 where loads are equal
 * @param zLoss the z-loss before its weight
 */
public record RoutingMetrics(String router, double dropped, List<Double> load, double entropy, double balance,
    double zLoss) {
  public RoutingMetrics {
    load = List.copyOf(load);
  }
}
