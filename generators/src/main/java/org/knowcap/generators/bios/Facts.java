package org.knowcap.generators.bios;

import java.util.Arrays;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.people.AppliedRevision;
import org.knowcap.generators.people.Names;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.random.RandomStream;

/** The facts of bioS's individuals: the name of each, and which entry of each list is true of it. */
sealed interface Facts {

  /** A list that facts are drawn from, and the attribute that its entries are part of. */
  enum Fact {
    GENDER(Attribute.GENDER, RandomStream.GENDER),
    MONTH(Attribute.BIRTH_DATE, RandomStream.MONTH),
    DAY(Attribute.BIRTH_DATE, RandomStream.DAY),
    YEAR(Attribute.BIRTH_DATE, RandomStream.YEAR),
    BIRTH_CITY(Attribute.BIRTH_CITY, RandomStream.BIRTH_CITY),
    UNIVERSITY(Attribute.UNIVERSITY, RandomStream.UNIVERSITY),
    MAJOR(Attribute.MAJOR, RandomStream.MAJOR),
    EMPLOYER(Attribute.EMPLOYER, RandomStream.EMPLOYER);

    private final Attribute attribute;
    private final RandomStream stream;

    Fact(Attribute attribute, RandomStream stream) {
      this.attribute = attribute;
      this.stream = stream;
    }

    private static CounterRandom[] randoms(long seed) {
      return Arrays.stream(values()).map(fact -> fact.stream.random(seed)).toArray(CounterRandom[]::new);
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

  /** The number of an individual's name among all names. */
  long name(long individual);

  /** The index of an entry in the fact's list. */
  int index(Fact fact, long individual);

  /** The facts before any revision. */
  final class Original implements Facts {
    private final KeyedPermutation names;
    private final int[] sizes;
    private final CounterRandom[] randoms;

    Original(long seed, Pools pools) {
      names = Names.order(seed, pools.sizes());
      sizes = Fact.sizes(pools);
      randoms = Fact.randoms(seed);
    }

    @Override
    public long name(long individual) {
      return names.apply(0, individual);
    }

    @Override
    public int index(Fact fact, long individual) {
      return randoms[fact.ordinal()].below(sizes[fact.ordinal()], individual);
    }
  }

  /** The facts after a revision; each new value is uniform over all values except the old one. */
  final class Revised implements Facts {
    private final Facts before;
    private final AppliedRevision revision;
    private final int[] sizes;
    private final CounterRandom[] randoms;
    /** For each fact: all facts of its attribute if the attribute is revised, else none. */
    private final Fact[][] revised;

    /** @throws IllegalArgumentException if an attribute has one value only */
    Revised(Facts before, AppliedRevision revision, Pools pools) {
      this.before = before;
      this.revision = revision;
      sizes = Fact.sizes(pools);
      randoms = Fact.randoms(revision.seed());
      revised = new Fact[sizes.length][];
      for (Fact fact : Fact.values()) {
        revised[fact.ordinal()] = revision.revises(fact.attribute) ? Fact.of(fact.attribute) : new Fact[0];
        if (revision.revises(fact.attribute)
            && Arrays.stream(Fact.of(fact.attribute)).allMatch(part -> sizes[part.ordinal()] == 1)) {
          throw new IllegalArgumentException(
              fact.attribute.key() + " has one value only in these pools, and cannot be revised");
        }
      }
    }

    @Override
    public long name(long individual) {
      return before.name(individual);
    }

    @Override
    public int index(Fact fact, long individual) {
      return revised[fact.ordinal()].length > 0 && revision.changes(individual)
          ? redrawn(fact, individual)
          : before.index(fact, individual);
    }

    /** Draws an attribute until it differs from the old one. */
    private int redrawn(Fact fact, long individual) {
      for (long attempt = 0;; attempt++) {
        for (Fact part : revised[fact.ordinal()]) {
          if (draw(part, individual, attempt) != before.index(part, individual)) {
            return draw(fact, individual, attempt);
          }
        }
      }
    }

    private int draw(Fact fact, long individual, long attempt) {
      return randoms[fact.ordinal()].below(sizes[fact.ordinal()],
          AppliedRevision.counter(individual, attempt));
    }
  }
}
