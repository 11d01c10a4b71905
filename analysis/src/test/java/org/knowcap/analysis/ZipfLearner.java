package org.knowcap.analysis;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.knowcap.analysis.results.FrequencyBucket;
import org.knowcap.analysis.results.FrequencyRow;
import org.knowcap.analysis.results.Seeds;

/** A planted learner of people whose exposures follow Zipf's law. */
public final class ZipfLearner {
  public static final int PEOPLE = 4000;
  private static final double VALUE_BITS = 64;

  private ZipfLearner() {}

  /** What a learner stores who knows a person by half after some exposures, and then soon: bucket by bucket. */
  public static List<FrequencyRow> run(double zipf, long exposures, long seed, double threshold) {
    double all = IntStream.rangeClosed(1, PEOPLE).mapToDouble(k -> Math.pow(k, -zipf)).sum();
    List<FrequencyRow> rows = new ArrayList<>();
    for (int from = 1; from <= PEOPLE; from *= 2) {
      int to = Math.min(PEOPLE + 1, 2 * from);
      double share = 0;
      double loss = 0;
      double weighted = 0;
      double seen = 0;
      for (int k = from; k < to; k++) {
        double part = Math.pow(k, -zipf) / all;
        double known = 1 / (1 + Math.pow(threshold / (part * PEOPLE * exposures), 6));
        double nats = VALUE_BITS * Math.log(2) * (1 - known);
        share += part;
        loss += nats;
        weighted += part * nats;
        seen += part * PEOPLE * exposures;
      }
      int count = to - from;
      rows.add(new FrequencyRow("e" + exposures + "-s" + seed, "bioD(4000, 2, 8, 16, 2, 16) zipf " + zipf,
          PEOPLE, exposures, OptionalDouble.of(zipf), "gpt2-2-2", 30_000, Seeds.all(seed), Optional.empty(),
          new FrequencyBucket(from, count, count, seen / count, share, 5, loss / count, weighted / share,
              VALUE_BITS, VALUE_BITS - loss / count / Math.log(2))));
    }
    return rows;
  }
}
