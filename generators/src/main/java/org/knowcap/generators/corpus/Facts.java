package org.knowcap.generators.corpus;

import java.util.Arrays;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;

/** What is true of the individuals of bioS: which entry of each list. */
sealed interface Facts {

  /** A list that something is drawn from, and the attribute that it is a part of. */
  enum Fact {
    GENDER(Attribute.GENDER, Purpose.GENDER), MONTH(Attribute.BIRTH_DATE, Purpose.MONTH), DAY(
        Attribute.BIRTH_DATE,
        Purpose.DAY), YEAR(Attribute.BIRTH_DATE, Purpose.YEAR), BIRTH_CITY(Attribute.BIRTH_CITY,
            Purpose.BIRTH_CITY), UNIVERSITY(Attribute.UNIVERSITY, Purpose.UNIVERSITY), MAJOR(Attribute.MAJOR,
                Purpose.MAJOR), EMPLOYER(Attribute.EMPLOYER, Purpose.EMPLOYER);

    private final Attribute attribute;
    private final Purpose purpose;

    Fact(Attribute attribute, Purpose purpose) {
      this.attribute = attribute;
      this.purpose = purpose;
    }

    private static CounterRandom[] randoms(long seed) {
      return Arrays.stream(values()).map(fact -> fact.purpose.random(seed)).toArray(CounterRandom[]::new);
    }

    private static int[] sizes(Pools pools) {
      return Arrays.stream(values()).mapToInt(fact -> fact.size(pools)).toArray();
    }

    private static Fact[] of(Attribute attribute) {
      return Arrays.stream(values()).filter(fact -> fact.attribute.equals(attribute)).toArray(Fact[]::new);
    }

    private int size(Pools pools) {
      return switch (this) {
        case GENDER -> 2;
        case MONTH -> pools.months().size();
        case DAY -> pools.days().size();
        case YEAR -> pools.years().size();
        case BIRTH_CITY -> pools.birthCities().size();
        case UNIVERSITY -> pools.universities().size();
        case MAJOR -> pools.majors().size();
        case EMPLOYER -> pools.employers().size();
      };
    }
  }

  /** The index of the list's entry. */
  int index(Fact fact, long individual);

  /** How many people the last revision changed. */
  long changed();

  /** Whether the last revision changed that individual. */
  boolean changes(long individual);

  /** Whoever is at a place of an order in which those whom the last revision changed come first. */
  long individual(long place);

  /** What holds before any revision. */
  final class Original implements Facts {
    private final int[] sizes;
    private final CounterRandom[] randoms;

    private final long first;

    Original(long seed, long first, Pools pools) {
      sizes = Fact.sizes(pools);
      randoms = Fact.randoms(seed);
      this.first = first;
    }

    @Override
    public int index(Fact fact, long individual) {
      return randoms[fact.ordinal()].below(sizes[fact.ordinal()], individual);
    }

    @Override
    public long changed() {
      return 0;
    }

    @Override
    public boolean changes(long individual) {
      return false;
    }

    @Override
    public long individual(long place) {
      return first + place;
    }
  }

  /** Other facts, but for what a revision has changed; each changed value is uniform over all others. */
  final class Revised implements Facts {
    private final Facts before;
    private final int[] sizes;
    private final CounterRandom[] randoms;
    /** By fact: all facts of its attribute if that is revised, else none. */
    private final Fact[][] revised;
    private final long first;
    /** Of the people's places; those that come first in it change. */
    private final KeyedPermutation order;
    private final long changed;

    /**
     * @param first  the individual whom the people begin with
     * @param people how many of them there are
     * @throws IllegalArgumentException if nobody changes, or an attribute has one value only
     */
    Revised(Facts before, Revision revision, long first, long people, Pools pools) {
      this.before = before;
      this.first = first;
      CounterRandom random = Purpose.REVISIONS.random(revision.seed());
      sizes = Fact.sizes(pools);
      randoms = Fact.randoms(random.bits(0));
      order = new KeyedPermutation(random.child(1), people);
      changed = revision.changed(people);
      if (changed == 0) {
        throw new IllegalArgumentException(
            "a share of " + revision.share() + " of " + people + " people is nobody: nothing is revised");
      }
      revised = new Fact[sizes.length][0];
      for (Attribute attribute : revision.attributes()) {
        Fact[] facts = Fact.of(attribute);
        if (Arrays.stream(facts).allMatch(fact -> sizes[fact.ordinal()] == 1)) {
          throw new IllegalArgumentException(
              attribute.key() + " has one value only in these pools, and cannot be revised");
        }
        for (Fact fact : facts) {
          revised[fact.ordinal()] = facts;
        }
      }
    }

    @Override
    public int index(Fact fact, long individual) {
      return revised[fact.ordinal()].length > 0 && changes(individual)
          ? anew(fact, individual)
          : before.index(fact, individual);
    }

    @Override
    public boolean changes(long individual) {
      return order.invert(0, individual - first) < changed;
    }

    @Override
    public long individual(long place) {
      return first + order.apply(0, place);
    }

    @Override
    public long changed() {
      return changed;
    }

    /** Draws the attribute until not all of it is as before. */
    private int anew(Fact fact, long individual) {
      for (long attempt = 0;; attempt++) {
        for (Fact part : revised[fact.ordinal()]) {
          if (draw(part, individual, attempt) != before.index(part, individual)) {
            return draw(fact, individual, attempt);
          }
        }
      }
    }

    private int draw(Fact fact, long individual, long attempt) {
      return randoms[fact.ordinal()].below(sizes[fact.ordinal()], (attempt << 40) + individual);
    }
  }
}
