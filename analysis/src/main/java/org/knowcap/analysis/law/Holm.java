package org.knowcap.analysis.law;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/** Holm's correction: the chance of any false verdict among several stays below the level. */
final class Holm {
  private Holm() {}

  /** Corrected p-values, in the order of these; where there is none, none, and the others are corrected without it. */
  static List<OptionalDouble> corrected(List<OptionalDouble> values) {
    double[] present = values.stream()
        .filter(OptionalDouble::isPresent)
        .mapToDouble(OptionalDouble::getAsDouble)
        .toArray();
    double[] corrected = corrected(present);
    List<OptionalDouble> result = new ArrayList<>();
    int next = 0;
    for (OptionalDouble value : values) {
      result.add(value.isPresent() ? OptionalDouble.of(corrected[next++]) : value);
    }
    return result;
  }

  /** Corrected p-values, in the order of these. */
  static double[] corrected(double[] values) {
    List<Integer> ascending = IntStream.range(0, values.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> values[i]))
        .toList();
    double[] corrected = new double[values.length];
    double most = 0;
    for (int rank = 0; rank < values.length; rank++) {
      int i = ascending.get(rank);
      most = Math.max(most, Math.min(1, (values.length - rank) * values[i]));
      corrected[i] = most;
    }
    return corrected;
  }
}
