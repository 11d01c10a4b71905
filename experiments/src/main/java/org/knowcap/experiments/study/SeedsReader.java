package org.knowcap.experiments.study;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.knowcap.analysis.results.Seeds;

/**
 * Reads the seeds of a study: one number or a list for all seeds, or a mapping with a number or a list for each
 * seed.
 */
final class SeedsReader {
  private static final String SEEDS = "seeds";
  private static final List<Long> ABSENT = List.of(1L);
  /** A single number up to this one may have been meant as the number of seeds. */
  private static final long LIKE_A_COUNT = 20;

  private SeedsReader() {}

  /**
   * The seeds of a study: one entry for each run of a setting.
   *
   * @param top the keys of the study
   * @param remarks receives remarks on an entry that may have been meant in another way
   */
  static List<Seeds> read(Fields top, List<String> remarks) {
    if (top.holdsMapping(SEEDS)) {
      return mapping(top);
    }
    List<Long> seeds = top.integers(SEEDS, 0, Long.MAX_VALUE, ABSENT);
    long first = seeds.getFirst();
    if (top.holdsNumber(SEEDS) && first > 1 && first <= LIKE_A_COUNT) {
      remarks.add("seeds: " + first + " is one run with the seed " + first + "; " + first
          + " runs are seeds: " + LongStream.rangeClosed(1, first).boxed().toList());
    }
    return seeds.stream().map(Seeds::all).toList();
  }

  /** Lists of equal length are taken together, entry by entry; a single number goes with every entry. */
  private static List<Seeds> mapping(Fields top) {
    Fields fields = top.mapping(SEEDS);
    List<Long> corpus = fields.repeatable("corpus", 0, Long.MAX_VALUE, ABSENT);
    List<Long> weights = fields.repeatable("weights", 0, Long.MAX_VALUE, ABSENT);
    List<Long> order = fields.repeatable("order", 0, Long.MAX_VALUE, ABSENT);
    fields.requireNoOthers();
    int runs = Stream.of(corpus, weights, order).mapToInt(List::size).max().orElseThrow();
    if (Stream.of(corpus, weights, order).anyMatch(list -> list.size() != 1 && list.size() != runs)) {
      throw top.wrongText(SEEDS,
          "single numbers and lists of one length, as the first entries of all lists make the first run, the second"
              + " ones the second, and a single number goes with every entry",
          "corpus: " + corpus + ", weights: " + weights + ", order: " + order);
    }
    List<Seeds> seeds = new ArrayList<>(IntStream.range(0, runs)
        .mapToObj(run -> new Seeds(entry(corpus, run), entry(weights, run), entry(order, run)))
        .toList());
    if (Set.copyOf(seeds).size() < runs) {
      Set.copyOf(seeds).forEach(seeds::remove);
      throw top.wrongText(SEEDS, "different in every run", seeds.getFirst() + " twice");
    }
    return List.copyOf(seeds);
  }

  private static long entry(List<Long> list, int run) {
    return list.get(list.size() == 1 ? 0 : run);
  }
}
