package org.knowcap.models.training;

import java.util.List;
import java.util.OptionalDouble;
import org.knowcap.models.engine.routing.RoutingMetrics;

/**
 * The state of a run after a step.
 *
 * @param loss mean over the step's tokens, in nats, before its update
 * @param tokensPerSecond since this process began or resumed the run
 * @param secondsLeft at that speed
 * @param gradientNorm Euclidean norm of the step's gradient before it was clipped; empty if gradients are not clipped
 * @param outliers largest components of the token embeddings, after the step
 * @param routing what routers of mixtures did in the step, in the order of blocks
 */
public record Progress(long step, long steps, double loss, double learningRate, double tokensPerSecond,
    double secondsLeft, OptionalDouble gradientNorm, EmbeddingOutliers outliers,
    List<RoutingMetrics> routing) {
  public Progress {
    routing = List.copyOf(routing);
  }

  /** Share of the tokens' requests to experts that got no slot; empty if the model has no experts. */
  public OptionalDouble dropped() {
    return routing.stream().mapToDouble(RoutingMetrics::dropped).average();
  }
}
