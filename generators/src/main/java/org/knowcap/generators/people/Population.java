package org.knowcap.generators.people;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Exposure;
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.RandomStream;

/**
 * The people of a source: which individuals they are, in which order the stream has them, and which revisions
 * apply to them. A seed and its pools determine a long row of individuals; a population is some of them.
 */
public final class Population {

  /** A group of the people: all of them, those whom the last revision changed, or the others. */
  public enum Group {
    ALL, CHANGED, UNCHANGED
  }

  private final long seed;
  /** Seed of what training sees of the people, and when. */
  private final long order;
  private final long first;
  private final long all;
  private final List<Revision> revisions;
  private final int version;
  private final Group group;
  /** How often people occur in training, and when; absent where everybody occurs once in each round. */
  private final Optional<Exposure> exposure;
  /** How many exposures training has, for an order that depends on it. */
  private final double exposures;
  /** All revisions, applied or not yet applied. */
  private final List<AppliedRevision> applied;
  private final long people;
  private final Rounds rounds;

  /**
   * @param order     seed of the rounds and of the texts in training
   * @param first     the first individual of the population
   * @param all       the number of people in all groups together
   * @param revisions from the oldest to the newest
   * @param version   how many of the revisions are applied
   */
  private Population(long seed, long order, long first, long all, List<Revision> revisions, int version,
      Group group, Optional<Exposure> exposure, double exposures) {
    this.seed = seed;
    this.order = order;
    this.first = first;
    this.all = all;
    this.revisions = revisions;
    this.version = version;
    this.group = group;
    this.exposure = exposure;
    this.exposures = exposures;
    applied = IntStream.range(0, revisions.size())
        .mapToObj(number -> new AppliedRevision(revisions.get(number), number, first, all))
        .toList();
    people = switch (group) {
      case ALL -> all;
      case CHANGED -> applied.getLast().count();
      case UNCHANGED -> all - applied.getLast().count();
    };
    CounterRandom orders = random(RandomStream.ROUNDS);
    rounds = exposure.map(
        each -> new Rounds(new Exposure.Draw(random(RandomStream.RANKS), orders, people, exposures), each))
        .orElseGet(() -> new Rounds(orders, people));
  }

  /** Individuals 0 to {@code people - 1}, before any revision. */
  public static Population of(long people, long seed) {
    return new Population(seed, seed, 0, people, List.of(), 0, Group.ALL, Optional.empty(), 1);
  }

  /** The same people in another order, and with other texts in training. */
  public Population ordered(long order) {
    return new Population(seed, order, first, all, revisions, version, group, exposure, exposures);
  }

  /**
   * The same people, who occur in training otherwise than once in each round.
   *
   * @throws IllegalArgumentException if so many people cannot occur like that
   */
  public Population exposed(Exposure other) {
    return new Population(seed, order, first, all, revisions, version, group, Optional.of(other), exposures);
  }

  /**
   * The same people for a training of some length; this population if its order does not depend on it.
   *
   * @throws IllegalArgumentException if so many exposures cannot be planned
   */
  Population lasting(double length) {
    return exposure.isPresent() && exposure.get().needsLength()
        ? new Population(seed, order, first, all, revisions, version, group, exposure, length)
        : this;
  }

  /** As many other people: the individuals from number {@code first} on. */
  public Population from(long first) {
    return new Population(seed, order, first, all, revisions, version, group, exposure, exposures);
  }

  /** Other people, whom no revision has changed. */
  Population strangers(long first, long people) {
    return new Population(seed, order, first, people, List.of(), 0, Group.ALL, Optional.empty(), 1);
  }

  /**
   * The people after one more revision.
   *
   * @param changeable the attributes that the source can revise
   * @throws IllegalArgumentException if the revision changes nobody, or an attribute cannot be revised
   * @throws IllegalStateException    if this is one group only
   */
  public Population revised(Revision revision, List<Attribute> changeable) {
    if (group != Group.ALL) {
      throw new IllegalStateException(
          "only all people can be revised, not the " + groupName() + " ones alone");
    }
    if (!changeable.containsAll(revision.attributes())) {
      throw new IllegalArgumentException("a revision's attributes must be of "
          + changeable.stream().map(Attribute::key).toList() + ", found " + revision.keys());
    }
    List<Revision> more = Stream.concat(revisions.stream(), Stream.of(revision)).toList();
    return new Population(seed, order, first, all, more, more.size(), group, exposure, exposures);
  }

  /**
   * One group of the people.
   *
   * @throws IllegalStateException if there is nobody in the group
   */
  public Population only(Group group) {
    if (revisions.isEmpty() || group == Group.UNCHANGED && applied.getLast().count() == all) {
      throw new IllegalStateException("a revision has changed "
          + (revisions.isEmpty() ? "nobody" : "everybody") + ": there is no such group");
    }
    return new Population(seed, order, first, all, revisions, version, group, exposure, exposures);
  }

  /**
   * The people before the last revision.
   *
   * @throws IllegalStateException if there was no revision
   */
  public Population before() {
    if (version == 0) {
      throw new IllegalStateException("there was no revision, and no state before");
    }
    return new Population(seed, order, first, all, revisions, version - 1, group, exposure, exposures);
  }

  /** Who the people are and what is true of them is drawn from this seed. */
  public long seed() {
    return seed;
  }

  /** The order of the people in training, and their texts there, are drawn from this seed. */
  public long order() {
    return order;
  }

  /** The first individual. */
  public long first() {
    return first;
  }

  /** The number of people in all groups together. */
  public long all() {
    return all;
  }

  /** The number of people in this group. */
  public long people() {
    return people;
  }

  /** The applied revisions, from the oldest to the newest. */
  public List<AppliedRevision> revisions() {
    return applied.subList(0, version);
  }

  /** Whether the last applied revision changed that person. */
  public boolean isChanged(long person) {
    return version > 0 && applied.get(version - 1).changes(individual(person));
  }

  /** The individual that a person of this group is. */
  public long individual(long person) {
    return switch (group) {
      case ALL -> first + person;
      case CHANGED -> applied.getLast().individual(person);
      case UNCHANGED -> applied.getLast().individual(applied.getLast().count() + person);
    };
  }

  /** The order of the people in the training stream. */
  public Rounds rounds() {
    return rounds;
  }

  /** A stream of random numbers that no other population of the seed uses. */
  public CounterRandom random(RandomStream purpose) {
    return random(purpose, version);
  }

  /**
   * The random numbers of measuring items. They do not depend on revisions, so that measuring items from before
   * and after a revision differ in values only.
   */
  public CounterRandom measuringRandom() {
    return random(RandomStream.MEASURING, 0);
  }

  private CounterRandom random(RandomStream purpose, int version) {
    boolean training = purpose == RandomStream.ROUNDS || purpose == RandomStream.TEXTS;
    CounterRandom random = purpose.random(training ? order : seed);
    return first == 0 && version == 0 && group == Group.ALL
        ? random
        : random.child(first).child(version).child(group.ordinal());
  }

  /** The end of a source's name, such as " version 2 changed"; empty for a plain population. */
  public String suffix() {
    return exposure.map(each -> " " + each.words()).orElse("")
        + (revisions.isEmpty() ? "" : " version " + (version + 1))
        + (group == Group.ALL ? "" : " " + groupName());
  }

  /** Adds the parameters of a population that has an order of its own, begins later, has unequal exposures or revisions. */
  public void describe(Map<String, Object> parameters) {
    if (order != seed) {
      parameters.put("order_seed", order);
    }
    if (first > 0) {
      parameters.put("first", first);
    }
    exposure.ifPresent(each -> {
      parameters.putAll(each.parameters());
      if (each.needsLength()) {
        parameters.put("exposures", exposures);
      }
    });
    if (!revisions.isEmpty()) {
      parameters.put("revisions", revisions.stream().map(Revision::parameters).toList());
      parameters.put("revised", version);
      parameters.put("group", groupName());
    }
  }

  private String groupName() {
    return group.name().toLowerCase(Locale.ROOT);
  }
}
