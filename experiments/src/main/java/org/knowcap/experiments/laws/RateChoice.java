package org.knowcap.experiments.laws;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which learning rates an arm tries, and which it takes: the listed ones, and as long as the best is at an end and more may be
 * tried, twice or half of that one. A rate with which a run diverged has lost, and so have all greater rates.
 *
 * @param tried R by learning rate, bits per parameter; negative infinity where the rate has lost
 * @param missing rates that have to be tried before one can be taken, ascending
 */
record RateChoice(SortedMap<Double, Double> tried, List<Double> missing) {
  private static final MathContext DIGITS = new MathContext(6);

  /**
   * The choice so far.
   *
   * @param listed rates, ascending
   * @param more how many may be added
   * @param measured R of every rate that was tried; negative infinity where a run diverged
   */
  static RateChoice of(List<Double> listed, int more, Map<Double, Double> measured) {
    double lost = measured.entrySet()
        .stream()
        .filter(each -> each.getValue() == Double.NEGATIVE_INFINITY)
        .mapToDouble(Map.Entry::getKey)
        .min()
        .orElse(Double.POSITIVE_INFINITY);
    Map<Double, Double> ratios = new HashMap<>();
    measured
        .forEach((rate, ratio) -> ratios.put(rate, rate >= lost ? (Double) Double.NEGATIVE_INFINITY : ratio));
    return among(listed, more, ratios);
  }

  private static RateChoice among(List<Double> listed, int more, Map<Double, Double> measured) {
    List<Double> rates = new ArrayList<>(listed);
    for (int added = 0; added < more && rates.size() > 1 && measured.keySet().containsAll(rates); added++) {
      double best = best(rates, measured);
      if (best == rates.getFirst()) {
        rates.addFirst(scaled(best, "0.5"));
      } else if (best == rates.getLast()) {
        rates.addLast(scaled(best, "2"));
      }
    }
    SortedMap<Double, Double> tried = new TreeMap<>();
    rates.stream().filter(measured::containsKey).forEach(rate -> tried.put(rate, measured.get(rate)));
    return new RateChoice(tried, rates.stream().filter(rate -> !measured.containsKey(rate)).toList());
  }

  private static double scaled(double rate, String factor) {
    return BigDecimal.valueOf(rate).multiply(new BigDecimal(factor)).round(DIGITS).doubleValue();
  }

  private static double best(List<Double> rates, Map<Double, Double> measured) {
    return rates.stream().max(Comparator.comparingDouble(measured::get)).orElseThrow();
  }

  /** Whether all rates that may be tried have lost. */
  boolean allLost() {
    return missing.isEmpty() && tried.values().stream().allMatch(ratio -> ratio == Double.NEGATIVE_INFINITY);
  }

  /** The rate of which most was stored, once all are tried; none where all have lost. */
  Optional<Double> best() {
    return missing.isEmpty() && !allLost()
        ? Optional.of(best(List.copyOf(tried.keySet()), tried))
        : Optional.empty();
  }
}
