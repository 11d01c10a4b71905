package org.knowcap.generators.people;

import java.util.List;
import java.util.Optional;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Exposure;
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.pools.Pools;

/**
 * A source that computes its people from a seed and an index. Sources about other people can be derived from
 * it, and sources about the same people after a revision of their values.
 *
 * @param <S> the source's own type
 */
public abstract class GeneratedSource<S extends GeneratedSource<S>> implements Source {
  /** The people of this source. */
  protected final Population population;

  /** @param population the people of this source */
  protected GeneratedSource(Population population) {
    this.population = population;
  }

  /** A source of the same kind about another population. */
  protected abstract S derived(Population population);

  /** The attributes that a revision can change. */
  protected abstract List<Attribute> changeable();

  /** The cost in bits of a uniform guess of one person's values of some attributes. */
  public abstract double uniformBits(List<Attribute> attributes);

  /**
   * A source of the same kind, made of the same lists, which are not tokenised again, about the first individuals of a seed.
   *
   * @throws IllegalArgumentException if the pools hold too few names
   */
  public final S of(long people, long seed) {
    return derived(Population.of(people, seed));
  }

  /**
   * A source about the same people whose order and texts in training are drawn from another seed; measuring items are
   * not.
   */
  public final S ordered(long order) {
    return derived(population.ordered(order));
  }

  /**
   * The same source, in which people occur otherwise than once in each round.
   *
   * @throws IllegalArgumentException if so many people cannot occur like that
   */
  public final S exposed(Exposure exposure) {
    return derived(population.exposed(exposure));
  }

  @Override
  public final Source forExposures(double exposures) {
    Population lasting = population.lasting(exposures);
    return lasting == population ? this : derived(lasting);
  }

  /**
   * A source about as many other people: the individuals from number {@code first} on, of all that the seed and
   * the pools determine. The people of a source that is not derived are individuals 0 to N - 1. Sources of one
   * seed and one set of pools share no name unless they share individuals.
   *
   * @throws IllegalArgumentException if the pools hold too few names
   */
  public final S from(long first) {
    return derived(population.from(first));
  }

  /**
   * The same people after a revision of some of their values. Everything except names can be revised, and
   * except bioS's employer city, which the employer determines. The lists of possible values stay the same.
   *
   * @throws IllegalArgumentException if the revision changes nobody, or an attribute cannot be revised
   * @throws IllegalStateException    if this source is about {@link #changed} or {@link #unchanged} people only
   */
  public final S revised(Revision revision) {
    return derived(population.revised(revision, changeable()));
  }

  /** The people whom the last revision changed: training on them teaches only new values. */
  public final S changed() {
    return derived(population.only(Population.Group.CHANGED));
  }

  /** The people whom the last revision left unchanged: they can be mixed in as replay. */
  public final S unchanged() {
    return derived(population.only(Population.Group.UNCHANGED));
  }

  /**
   * The same people before the last revision. Its {@link #measuringItem} differs in the changed values only.
   *
   * @throws IllegalStateException if there was no revision
   */
  public final S before() {
    return derived(population.before());
  }

  /** The lists that names and values are drawn from. */
  public abstract Pools pools();

  /** The number of the individual after the last of this source's people. */
  public final long end() {
    return population.first() + population.all();
  }

  @Override
  public final Optional<Source> strangers(long most) {
    return strangers(end(), most);
  }

  /**
   * People whom neither this source nor others of its seed and pools have.
   *
   * @param first individual that may be one of them
   * @param most  how many, if there are as many
   */
  public final Optional<Source> strangers(long first, long most) {
    long count = Math.min(most, pools().sizes().names() - first);
    return count < 1 ? Optional.empty() : Optional.of(derived(population.strangers(first, count)));
  }

  /** Whether the last applied revision changed that person. */
  public final boolean isChanged(long person) {
    return population.isChanged(person);
  }

  @Override
  public final long people() {
    return population.people();
  }

  @Override
  public final long seed() {
    return population.seed();
  }

  /** The order of the people in training, and their texts there, are drawn from this seed. */
  public final long order() {
    return population.order();
  }

  @Override
  public final Rounds rounds() {
    return population.rounds();
  }
}
