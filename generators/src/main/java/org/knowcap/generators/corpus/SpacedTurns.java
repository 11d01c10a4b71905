package org.knowcap.generators.corpus;

import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.knowcap.generators.random.KeyedPermutation;

/**
 * A plan of reviews. Cohort c of C enters at time (c / C) entering, and its E texts about each person follow within a time of
 * 1 - entering, at intervals that grow by equal factors. The items are those of all cohorts' reviews, in the order of their times: each
 * review has one text about each person of the cohort. A plan that is over begins again.
 */
final class SpacedTurns implements Turns {
  private static final int MOST_REVIEWS = 1_000_000;

  private final long people;
  private final int cohorts;
  private final int exposures;
  private final KeyedPermutation ranks;
  /** [C]: the order of the people of each cohort. */
  private final KeyedPermutation[] orders;
  /** [C * E]: review number c * E + j is text j about the people of cohort c. */
  private final int[] reviews;
  /** [C * E + 1]: the items before each review. */
  private final long[] starts;

  SpacedTurns(Exposure.Draw draw, Exposure.Spaced spacing) {
    people = draw.people();
    cohorts = spacing.cohorts();
    if (cohorts > people) {
      throw new IllegalArgumentException("there are more cohorts, " + cohorts + ", than people, " + people);
    }
    double wanted = Math.ceil(draw.exposures());
    if (cohorts * wanted > MOST_REVIEWS) {
      throw new IllegalArgumentException(
          cohorts + " cohorts of " + (long) wanted + " exposures are " + (long) (cohorts * wanted)
              + " reviews; at most " + MOST_REVIEWS + " can be planned: give fewer cohorts");
    }
    exposures = (int) wanted;
    ranks = new KeyedPermutation(draw.ranks(), people);
    orders = new KeyedPermutation[cohorts];
    for (int cohort = 0; cohort < cohorts; cohort++) {
      orders[cohort] = new KeyedPermutation(draw.orders().child(cohort), first(cohort + 1) - first(cohort));
    }
    double[] ages = ages(exposures, spacing.ratio());
    double[] times = new double[cohorts * exposures];
    for (int review = 0; review < times.length; review++) {
      times[review] = spacing.entering() * (review / exposures) / cohorts
          + (1 - spacing.entering()) * ages[review % exposures];
    }
    List<Integer> sorted = IntStream.range(0, times.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer review) -> times[review])
            .thenComparing(review -> review / exposures))
        .toList();
    reviews = sorted.stream().mapToInt(Integer::intValue).toArray();
    starts = new long[reviews.length + 1];
    for (int i = 0; i < reviews.length; i++) {
      int cohort = reviews[i] / exposures;
      starts[i + 1] = starts[i] + first(cohort + 1) - first(cohort);
    }
  }

  /** When a person's texts come: from 0 to 1, at intervals that grow by equal factors from the first to the last. */
  private static double[] ages(int exposures, double ratio) {
    double[] ages = new double[exposures];
    double factor = exposures > 2 ? Math.pow(ratio, 1.0 / (exposures - 2)) : 1;
    double interval = 1;
    for (int text = 1; text < exposures; text++) {
      ages[text] = ages[text - 1] + interval;
      interval *= factor;
    }
    double all = ages[exposures - 1];
    for (int text = 1; text < exposures; text++) {
      ages[text] /= all;
    }
    return ages;
  }

  private long first(int cohort) {
    return people * cohort / cohorts;
  }

  /** The place of an item's review in their order. */
  private int place(long item) {
    int low = 0;
    int high = reviews.length;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (starts[middle] <= item) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private long planned() {
    return starts[reviews.length];
  }

  @Override
  public long person(long item) {
    long planned = item % planned();
    int place = place(planned);
    int cohort = reviews[place] / exposures;
    long rank = first(cohort) + orders[cohort].apply(reviews[place] % exposures, planned - starts[place]);
    return ranks.apply(0, rank);
  }

  @Override
  public long draw(long item) {
    return item / planned() * exposures + reviews[place(item % planned())] % exposures;
  }

  @Override
  public double share(long person) {
    return 1.0 / people;
  }

  @Override
  public OptionalInt group(long person) {
    long rank = ranks.invert(0, person);
    int cohort = (int) (rank * cohorts / people);
    // Division rounds down twice.
    return OptionalInt.of(rank >= first(cohort + 1) ? cohort + 1 : cohort);
  }
}
