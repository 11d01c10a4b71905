package org.knowcap.models.engine.cuda;

import org.knowcap.models.program.ForwardOperation.Mixture;
import org.knowcap.models.program.ForwardOperation.Route;

/**
 * Where on the device is what a router decides: memory of its own, from one step to the next, so that it can be asked what
 * it did. Addresses of what {@code experts.cu} describes.
 *
 * @param dGates gradients of the gates, [R, n]
 * @param sums for {@link org.knowcap.models.engine.RoutingMetrics}, fp64 [W, 4 + E]
 * @param end behind the last
 */
record Seating(Route route, long sums, long probabilities, long normalisers, long entropies, long asked,
    long firsts, long gates, long seats, long dGates, long slots, long end) {
  private static final long ALIGNMENT = 256;

  /** From an address on. */
  static Seating at(Route route, long address) {
    Mixture mixture = route.mixture();
    long rows = (long) mixture.windows() * mixture.length();
    long ofExperts = 4 * rows * mixture.experts();
    long ofSlots = 4 * rows * mixture.seatsOfToken();
    long probabilities = address + 8L * sumsCount(mixture);
    long normalisers = probabilities + ofExperts;
    long entropies = normalisers + 4 * rows;
    long asked = entropies + 4 * rows;
    long firsts = asked + 4 * rows * mixture.topK();
    long gates = firsts + 4L * mixture.windows() * mixture.experts();
    long seats = gates + ofSlots;
    long dGates = seats + ofSlots;
    long slots = dGates + ofSlots;
    long end = slots + 4L * rows(mixture);
    return new Seating(route, address, probabilities, normalisers, entropies, asked, firsts, gates, seats,
        dGates, slots, Math.ceilDiv(end, ALIGNMENT) * ALIGNMENT);
  }

  private static int sumsCount(Mixture mixture) {
    return mixture.windows() * (4 + mixture.experts());
  }

  /** Numbers of {@link #sums}. */
  int sumsCount() {
    return sumsCount(route.mixture());
  }

  /** Rows of what is seated: a place for whoever may come, E W C. */
  static int rows(Mixture mixture) {
    return Math.multiplyExact(mixture.experts() * mixture.windows(), mixture.places());
  }
}
