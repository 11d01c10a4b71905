package org.knowcap.experiments.capacity;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bits.Logarithms;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.models.architecture.ModelSpec;

/**
 * A family of bioD corpora that fill a model with few tokens: two attributes of eight chunks, about half of the
 * tokens in values, and as many different chunks as the theorem's premises allow. All sizes have one vocabulary, so
 * P does not depend on N.
 *
 * @param diversity D, so that D log2 N is at most N at the sizes that matter: the greatest of a power of two and
 *        seven numbers between it and the next
 * @param alphabet T, a power of two; T^2 is at least 16 D
 * @param names entries of each of the three lists of names, if they have so many, so that N0 is at least ten times
 *        the largest N
 * @param people sizes in question, ascending: R^max grows by the square root of two from one to the next
 */
public record DenseCorpus(int diversity, int alphabet, int names, List<Long> people) implements SizedCorpus {
  private static final int ATTRIBUTES = 2;
  private static final int CHUNKS = 8;
  private static final int LENGTH = 2;
  private static final int LEAST_DIVERSITY = 4;
  private static final int MOST_DIVERSITY = 4096;
  /** Numbers of different chunks that are tried, from one power of two to the next. */
  private static final int DIVERSITIES = 8;
  /** Number of possible strings for each string that is used. */
  private static final int ROOM = 16;
  private static final int NAMES_PER_PERSON = 10;
  /** Entries of the shipped lists: of first names, which are as many as middle names, and of last names. */
  private static final int MOST_FIRST = PoolSizes.PAPER.first();
  private static final int MOST_LAST = PoolSizes.PAPER.last();
  /** Number of tokens that are neither symbols nor parts of names: those of attributes, and the end-of-text token. */
  private static final int OTHER_TOKENS = ATTRIBUTES + 1;

  /**
   * The corpora for a model.
   *
   * @param dense R^max from which on the theorem's premise must hold
   * @throws IllegalArgumentException where the model is too small or too large for any
   */
  public static DenseCorpus of(ModelSpec model, double dense) {
    for (int diversity = MOST_DIVERSITY; diversity >= LEAST_DIVERSITY; diversity -= step(diversity)) {
      int alphabet = 1;
      while ((long) alphabet * alphabet < (long) ROOM * diversity) {
        alphabet *= 2;
      }
      // A name is about a token. The more there are, the larger is P, and with it N.
      for (int names = LEAST_DIVERSITY; names <= MOST_LAST; names++) {
        long parameters = model.parameters(OTHER_TOKENS + alphabet + 2 * first(names) + names).total();
        double all = names(names);
        List<Long> people = people(diversity, all, parameters);
        if (people.getLast() * NAMES_PER_PERSON <= all) {
          long least = people.get(SizedCorpus.size(dense));
          if (diversity * Logarithms.log2(least) <= least) {
            return new DenseCorpus(diversity, alphabet, names, people);
          }
          break;
        }
      }
    }
    throw new IllegalArgumentException("no corpus suits " + model.name()
        + ": it is too small to hold, or too large for the lists of names to tell its people apart");
  }

  /** From a number of different chunks to the next smaller one. */
  private static int step(int diversity) {
    return Math.max(1, Integer.highestOneBit(diversity - 1) / DIVERSITIES);
  }

  /** Number of first names, and of middle names, if each list is cut to this number of entries. */
  private static int first(int entries) {
    return Math.min(entries, MOST_FIRST);
  }

  /** N0, the number of full names. */
  private static double names(int entries) {
    double first = first(entries);
    return first * first * entries;
  }

  private static List<Long> people(int diversity, double names, long parameters) {
    double values = ATTRIBUTES * CHUNKS * Logarithms.log2(diversity);
    List<Long> people = new ArrayList<>();
    for (int size = 0; size < SIZES; size++) {
      double bits = SizedCorpus.ratio(size) * parameters;
      // Bits of a name are log2 (N0 / N): three rounds settle N.
      double n = bits / values;
      for (int round = 0; round < 3; round++) {
        n = bits / (values + Math.max(0, Logarithms.log2(names) - Logarithms.log2(n)));
      }
      people.add(Math.max(2 + size, Math.round(n)));
    }
    return List.copyOf(people);
  }

  /** V, the tokens of all its sizes. */
  int vocabulary() {
    PoolSizes all = PoolSizes.PAPER;
    PoolSizes sizes = new PoolSizes(first(names), first(names), names, all.months(), all.days(), all.years(),
        all.birthCities(), all.universities(), all.majors(), all.employers());
    return new BioD(1, new BioDShape(ATTRIBUTES, CHUNKS, diversity, LENGTH, alphabet), 0,
        Pools.shipped(sizes)).vocabulary().size();
  }

  @Override
  public String sizeKey() {
    return "people";
  }

  @Override
  public Letters letters() {
    return new Letters("N", "R");
  }

  @Override
  public double measured(RunResult run) {
    return run.capacityRatio();
  }

  @Override
  public Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("kind", "bioD");
    settings.put("attributes", ATTRIBUTES);
    settings.put("chunks", CHUNKS);
    settings.put("diversity", diversity);
    settings.put("length", LENGTH);
    settings.put("alphabet", alphabet);
    settings.put("pools", Map.of("first", first(names), "middle", first(names), "last", names));
    return settings;
  }
}
