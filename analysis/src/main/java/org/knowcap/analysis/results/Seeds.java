package org.knowcap.analysis.results;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The seeds of one run, one for each thing that is drawn by chance.
 *
 * @param corpusSeed of the people, what is true of them, which of them are measured, and in which texts
 * @param weightsSeed of the initial weights
 * @param orderSeed of the order of the people in training, and of their texts there
 */
public record Seeds(long corpusSeed, long weightsSeed, long orderSeed) {
  /** Sorts by the seed of the corpus, then of the weights, then of the order. */
  public static final Comparator<Seeds> ORDER = Comparator.comparingLong(Seeds::corpusSeed)
      .thenComparingLong(Seeds::weightsSeed)
      .thenComparingLong(Seeds::orderSeed);

  /** Seeds that are all this number. */
  public static Seeds all(long seed) {
    return new Seeds(seed, seed, seed);
  }

  /** Such as "s3" where one number sets all, or "c1w3o1". */
  public String label() {
    return corpusSeed == weightsSeed && weightsSeed == orderSeed
        ? "s" + corpusSeed
        : "c" + corpusSeed + "w" + weightsSeed + "o" + orderSeed;
  }

  /** For people: such as "seed 3", or "seeds corpus 1, weights 3, order 1". */
  @Override
  public String toString() {
    return corpusSeed == weightsSeed && weightsSeed == orderSeed
        ? "seed " + corpusSeed
        : "seeds corpus " + corpusSeed + ", weights " + weightsSeed + ", order " + orderSeed;
  }

  /** Which of the three differ within a list: such as "corpus, weights and order"; "none" where all are equal. */
  public static String varied(List<Seeds> seeds) {
    List<String> varied = new ArrayList<>();
    if (distinct(seeds.stream().map(Seeds::corpusSeed))) {
      varied.add("corpus");
    }
    if (distinct(seeds.stream().map(Seeds::weightsSeed))) {
      varied.add("weights");
    }
    if (distinct(seeds.stream().map(Seeds::orderSeed))) {
      varied.add("order");
    }
    return switch (varied.size()) {
      case 0 -> "none";
      case 1 -> varied.getFirst();
      default -> String.join(", ", varied.subList(0, varied.size() - 1)) + " and " + varied.getLast();
    };
  }

  /** Whether there are several, and each seed that varies at all is different in any two of them. */
  public static boolean independent(List<Seeds> seeds) {
    return seeds.size() > 1
        && Stream.<Function<Seeds, Long>>of(Seeds::corpusSeed, Seeds::weightsSeed, Seeds::orderSeed)
            .mapToLong(part -> seeds.stream().map(part).distinct().count())
            .allMatch(different -> different == 1 || different == seeds.size());
  }

  private static boolean distinct(Stream<Long> numbers) {
    return numbers.distinct().count() > 1;
  }
}
