package org.knowcap.models.engine.cuda;

import org.knowcap.models.program.ExpertRouting;
import org.knowcap.models.program.Route;

/**
 * The addresses of a router's decisions on the device. The router keeps this memory from one step to the next, so
 * that its metrics can be read. Addresses of what {@code experts.cu} describes.
 *
 * @param dWeights gradients of the weights, [R, n]
 * @param sums for {@link org.knowcap.models.engine.routing.RoutingMetrics}, fp64 [W, 4 + E]
 * @param end behind the last
 */
record RoutingBuffers(Route route, long sums, long probabilities, long logSumExp, long entropies,
    long choices, long firsts, long weights, long slots, long dWeights, long pairs, long end) {
  private static final long ALIGNMENT = 256;

  /** From an address on. */
  static RoutingBuffers at(Route route, long address) {
    ExpertRouting routing = route.routing();
    long rows = (long) routing.windows() * routing.length();
    long ofExperts = 4 * rows * routing.experts();
    long ofSlots = 4 * rows * routing.slotsPerToken();
    long probabilities = address + 8L * sumsCount(routing);
    long logSumExp = probabilities + ofExperts;
    long entropies = logSumExp + 4 * rows;
    long choices = entropies + 4 * rows;
    long firsts = choices + 4 * rows * routing.topK();
    long weights = firsts + 4L * routing.windows() * routing.experts();
    long slots = weights + ofSlots;
    long dWeights = slots + ofSlots;
    long pairs = dWeights + ofSlots;
    long end = pairs + 4L * rows(routing);
    return new RoutingBuffers(route, address, probabilities, logSumExp, entropies, choices, firsts, weights,
        slots, dWeights, pairs, Math.ceilDiv(end, ALIGNMENT) * ALIGNMENT);
  }

  private static int sumsCount(ExpertRouting routing) {
    return routing.windows() * (4 + routing.experts());
  }

  /** Numbers of {@link #sums}. */
  int sumsCount() {
    return sumsCount(route.routing());
  }

  /** Slots of all experts in all windows, E W C. */
  static int rows(ExpertRouting routing) {
    return Math.multiplyExact(routing.experts() * routing.windows(), routing.capacity());
  }
}
