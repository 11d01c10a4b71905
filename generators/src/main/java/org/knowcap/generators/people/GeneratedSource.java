package org.knowcap.generators.people;
import java.util.List;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Source;

/**
 * A source whose people are made on the way, from a seed and an index: there may be others than the first,
 * and what is true of them may change.
 *
 * @param <S> the source itself
 */
public abstract class GeneratedSource<S extends GeneratedSource<S>> implements Source {
  /** The people of this source. */
  protected final Population population;

  /** @param population the people of this source */
  protected GeneratedSource(Population population) {
    this.population = population;
  }

  /** The same kind of texts about others. */
  protected abstract S derived(Population population);

  /** What a revision can change. */
  protected abstract List<Attribute> changeable();

  /** What a uniform guess of some attributes costs for one person, in bits. */
  public abstract double uniformBits(List<Attribute> attributes);

  /**
   * As many people, but others: of the individuals that this seed and these pools can make, those from number
   * {@code first} on. The people of a corpus that is not derived are individuals 0 to N - 1; sources of the
   * same seed and pools whose individuals are not the same share no name.
   *
   * @throws IllegalArgumentException if there are not as many names
   */
  public final S from(long first) {
    return derived(population.from(first));
  }

  /**
   * The same people when a revision has changed some of their values. All but names can be revised, and of
   * bioS the employer's city, which goes with the employer. What values are drawn from stays the same.
   *
   * @throws IllegalArgumentException if the revision changes nobody, or an attribute cannot be revised
   * @throws IllegalStateException    if these are only {@link #changed} or {@link #unchanged} people
   */
  public final S revised(Revision revision) {
    return derived(population.revised(revision, changeable()));
  }

  /** The people of this revised corpus whom the last revision changed: to learn only what is new. */
  public final S changed() {
    return derived(population.only(Population.Group.CHANGED));
  }

  /** The people of this revised corpus whom the last revision left as they were: to be mixed in as replay. */
  public final S unchanged() {
    return derived(population.only(Population.Group.UNCHANGED));
  }

  /**
   * The same people before the last revision. Its {@link #measuringItem} differs in the changed values only.
   *
   * @throws IllegalStateException if there was none
   */
  public final S before() {
    return derived(population.before());
  }

  /** Whether the last revision that has happened changed that person. */
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

  @Override
  public final long person(long sequenceNumber) {
    return population.person(sequenceNumber);
  }

  @Override
  public final void persons(long first, long[] target) {
    population.persons(first, target);
  }
}
