package org.knowcap.experiments.capacity;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.SequencedSet;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.commons.math3.stat.StatUtils;

/**
 * Decides which runs come next. First the learning rate is chosen, at one size of the corpus and with one seed; then
 * the size at which R is largest, with that seed; then R is measured there with other seeds, and next to it if R is
 * no longer larger. The seed that chooses is not used for the measurement, because the largest of several noisy
 * numbers is too large. A learning rate with which a run diverged has lost, and so have greater ones: the search goes on with
 * the best of the others.
 *
 * <p>The next runs follow only from the results so far, so a search that was stopped continues where it was.
 *
 * @param people sizes in question, ascending
 * @param start index of the size at which the peak is expected; the learning rate is chosen one size below
 * @param learningRate in the middle of those that are tried: twice and half of it, and further if the best is at an end
 * @param seeds to measure the peak with, at least 2
 */
public record CapacitySearch(List<Long> people, int start, double learningRate, int seeds) {
  /** The seed that learning rate and size are chosen with. */
  static final long CHOOSING = 1;
  /** The largest distance of the learning rate from the middle, in doublings. */
  private static final int FARTHEST = 3;

  /** R by run, negative infinity if its training diverged; several runs with one seed do not occur. */
  public record Measured(Map<Cell, Double> ratios) {
    public Measured {
      ratios = Map.copyOf(ratios);
    }

    boolean has(Cell cell) {
      return ratios.containsKey(cell);
    }

    double ratio(Cell cell) {
      return ratios.get(cell);
    }
  }

  /**
   * The runs that come next, the longest first; empty if the peak is found and measured with all seeds.
   *
   * @param together runs at a time: no core waits, so where fewer are needed, those that are likely to be needed next are begun
   */
  public List<Cell> next(Measured measured, int together) {
    SequencedSet<Cell> wanted = new LinkedHashSet<>();
    OptionalInt rate = bestRate(measured);
    if (rate.isEmpty()) {
      missingRates(measured).forEach(doublings -> wanted.add(rateCell(doublings)));
      if (!lost(0, measured)) {
        // So likely to be needed that no core waits for it.
        wanted.add(new Cell(people.get(start), learningRate, CHOOSING));
      }
    } else {
      double chosen = rate(rate.getAsInt());
      OptionalInt peak = peak(measured);
      int size = peak.orElse(start);
      List<Cell> seedsThere = fresh(seeds).mapToObj(seed -> new Cell(people.get(size), chosen, seed))
          .toList();
      IntStream.of(size, size + 1, size - 1)
          .forEach(index -> wanted.addAll(missing(index, chosen, measured)));
      if (wanted.isEmpty()) {
        wanted.addAll(seedsThere);
      } else if (peak.isPresent()) {
        // The walk may go one size farther on the side that is not known yet. A seed at the best size so far would be lost then.
        List<Cell> likely = new ArrayList<>();
        IntStream.of(1, -1)
            .filter(side -> !missing(size + side, chosen, measured).isEmpty())
            .forEach(side -> likely.addAll(missing(size + 2 * side, chosen, measured)));
        likely.addAll(seedsThere);
        likely.stream()
            .filter(cell -> !measured.has(cell))
            .limit(Math.max(0, together - wanted.size()))
            .forEach(wanted::add);
      }
    }
    return wanted.stream()
        .filter(cell -> !measured.has(cell))
        .sorted(Comparator.comparingLong(Cell::people).reversed())
        .toList();
  }

  /** The run that chooses at a size; none where it is measured, or where there is no such size. */
  private List<Cell> missing(int size, double rate, Measured measured) {
    if (size < 0 || size >= people.size()) {
      return List.of();
    }
    Cell cell = new Cell(people.get(size), rate, CHOOSING);
    return measured.has(cell) ? List.of() : List.of(cell);
  }

  /** Another run at the peak, for a narrower interval; seeds go on from those that were used. */
  public List<Cell> more(Measured measured, int runs) {
    double chosen = rate(bestRate(measured).orElseThrow());
    long size = people.get(peak(measured).orElseThrow());
    return LongStream.iterate(CHOOSING + 1, seed -> seed + 1)
        .mapToObj(seed -> new Cell(size, chosen, seed))
        .filter(cell -> !measured.has(cell))
        .limit(runs)
        .toList();
  }

  private static LongStream fresh(int count) {
    return LongStream.rangeClosed(CHOOSING + 1, CHOOSING + count);
  }

  private double rate(int doublings) {
    return learningRate * Math.pow(2, doublings);
  }

  private Cell rateCell(int doublings) {
    return new Cell(people.get(Math.max(0, start - 1)), rate(doublings), CHOOSING);
  }

  /** Learning rates that were tried at the size where the rate is chosen, in doublings, ascending. */
  private List<Integer> tried(Measured measured) {
    return IntStream.rangeClosed(-FARTHEST, FARTHEST)
        .filter(doublings -> measured.has(rateCell(doublings)))
        .boxed()
        .toList();
  }

  /** Of rates that store equally much, as of those that have lost, the lowest. */
  private int best(List<Integer> doublings, Measured measured) {
    return doublings.stream()
        .max(Comparator
            .comparingDouble((Integer each) -> chosenBy(each, measured).orElse(Double.NEGATIVE_INFINITY))
            .thenComparing(Comparator.reverseOrder()))
        .orElseThrow();
  }

  /** R of the run that a learning rate is chosen by; empty if the rate has lost. */
  private OptionalDouble chosenBy(int doublings, Measured measured) {
    return lost(doublings, measured)
        ? OptionalDouble.empty()
        : OptionalDouble.of(measured.ratio(rateCell(doublings)));
  }

  /** Whether a run diverged with this learning rate or a lower one. */
  private boolean lost(int doublings, Measured measured) {
    return measured.ratios()
        .entrySet()
        .stream()
        .anyMatch(each -> each.getValue() == Double.NEGATIVE_INFINITY
            && each.getKey().learningRate() <= rate(doublings));
  }

  /** The lowest learning rate that may be tried, if training diverged even with it: the search has no result. */
  public OptionalDouble diverged(Measured measured) {
    OptionalInt best = bestRate(measured);
    return best.isPresent() && lost(best.getAsInt(), measured)
        ? OptionalDouble.of(rate(best.getAsInt()))
        : OptionalDouble.empty();
  }

  /** Learning rates that have to be tried before one can be chosen, in doublings. */
  private List<Integer> missingRates(Measured measured) {
    List<Integer> tried = tried(measured);
    List<Integer> missing = new ArrayList<>(List.of(0, -1, 1));
    if (tried.containsAll(missing)) {
      int best = best(tried, measured);
      missing = new ArrayList<>(List.of(best - 1, best + 1));
      missing.removeIf(each -> Math.abs(each) > FARTHEST);
    }
    missing.removeAll(tried);
    return missing;
  }

  /** The learning rate that stores most, in doublings of the middle one, once its neighbours store less. */
  OptionalInt bestRate(Measured measured) {
    return missingRates(measured).isEmpty()
        ? OptionalInt.of(best(tried(measured), measured))
        : OptionalInt.empty();
  }

  /** The learning rate that was chosen; the middle one if none is chosen yet. */
  private double chosenRate(Measured measured) {
    return rate(bestRate(measured).orElse(0));
  }

  /**
   * R of a size with the chosen learning rate: the mean over the seeds that do not choose, if there are at least
   * two; before that, R of the seed that chooses. So the search leaves a size that was chosen by luck, once other
   * seeds give a lower R.
   */
  private double ratio(int size, Measured measured) {
    double[] fresh = fresh(size, measured);
    Cell chosen = new Cell(people.get(size), chosenRate(measured), CHOOSING);
    if (fresh.length >= 2) {
      return Arrays.stream(fresh).average().orElseThrow();
    }
    return measured.has(chosen) ? measured.ratio(chosen) : Double.NEGATIVE_INFINITY;
  }

  /** R of a size with the chosen learning rate and each seed that does not choose. */
  private double[] fresh(int size, Measured measured) {
    double rate = chosenRate(measured);
    return measured.ratios()
        .entrySet()
        .stream()
        .filter(each -> each.getKey().people() == people.get(size) && each.getKey().learningRate() == rate
            && each.getKey().seed() != CHOOSING)
        .sorted(Comparator.comparingLong(each -> each.getKey().seed()))
        .mapToDouble(Map.Entry::getValue)
        .toArray();
  }

  /**
   * Index of the size at which R is largest so far; empty if no size is measured with the chosen learning rate yet. A size that has
   * seeds is left for one that has only the seed that chooses if that gives more by more than the standard error of the seeds' mean: R is
   * flat at its peak, and the search would otherwise go back and forth by chance.
   */
  OptionalInt peak(Measured measured) {
    OptionalInt largest = largest(measured, 0);
    OptionalInt seeded = largest(measured, 2);
    return seeded.isPresent() && ratio(seeded.getAsInt(), measured)
        + standardError(fresh(seeded.getAsInt(), measured)) >= ratio(largest.getAsInt(), measured)
            ? seeded
            : largest;
  }

  /** Index of the size at which R is largest among those with this number of seeds that do not choose, or more. */
  private OptionalInt largest(Measured measured, int freshSeeds) {
    return IntStream.range(0, people.size())
        .filter(size -> ratio(size, measured) > Double.NEGATIVE_INFINITY)
        .filter(size -> fresh(size, measured).length >= freshSeeds)
        .boxed()
        .max(Comparator.comparingDouble(size -> ratio(size, measured)))
        .map(OptionalInt::of)
        .orElse(OptionalInt.empty());
  }

  private static double standardError(double[] ratios) {
    return Math.sqrt(StatUtils.variance(ratios) / ratios.length);
  }

  /**
   * The result so far; empty if there is no peak with two seeds that did not choose.
   *
   * @param interval that the number of seeds was chosen for, or 0 if it was not: a number that depends on the
   *     scatter of all seeds would make intervals that are too narrow
   */
  public Optional<CapacityFinding> finding(Measured measured, double interval) {
    OptionalInt peak = bestRate(measured).isPresent() ? peak(measured) : OptionalInt.empty();
    if (peak.isEmpty()) {
      return Optional.empty();
    }
    double[] ratios = fresh(peak.getAsInt(), measured);
    return ratios.length < 2
        ? Optional.empty()
        : Optional.of(CapacityFinding.of(people.get(peak.getAsInt()), chosenRate(measured), ratios,
            interval > 0 ? Math.min(seeds, ratios.length) : ratios.length,
            neighbour(peak.getAsInt() - 1, measured), neighbour(peak.getAsInt() + 1, measured),
            rates(measured)));
  }

  private List<CapacityFinding.Neighbour> neighbour(int size, Measured measured) {
    return size >= 0 && size < people.size() && ratio(size, measured) > Double.NEGATIVE_INFINITY
        ? List.of(new CapacityFinding.Neighbour(people.get(size), ratio(size, measured)))
        : List.of();
  }

  private List<CapacityFinding.TriedRate> rates(Measured measured) {
    return tried(measured).stream()
        .map(each -> new CapacityFinding.TriedRate(rate(each), chosenBy(each, measured)))
        .toList();
  }
}
