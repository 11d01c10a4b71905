package org.knowcap.generators.people;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.RandomStream;

/**
 * Whom a source is about, in what order, and which changes have come upon them. Individuals are all that a
 * seed and its pools can make; the people of a source are some of them.
 */
public final class Population {

  /** Which of the people: all, those whom the last revision changed, or those it did not. */
  public enum Group {
    ALL, CHANGED, UNCHANGED
  }

  private final long seed;
  private final long first;
  private final long all;
  private final List<Revision> revisions;
  private final int version;
  private final Group group;
  /** What the revisions do, whether they have happened or not. */
  private final List<AppliedRevision> changes;
  private final long people;
  private final Rounds rounds;

  /**
   * @param first     the individual whom the people begin with
   * @param all       how many there are, whatever the group
   * @param revisions from the oldest to the newest
   * @param version   how many of the revisions have happened
   */
  private Population(long seed, long first, long all, List<Revision> revisions, int version, Group group) {
    this.seed = seed;
    this.first = first;
    this.all = all;
    this.revisions = revisions;
    this.version = version;
    this.group = group;
    changes = IntStream.range(0, revisions.size())
        .mapToObj(number -> new AppliedRevision(revisions.get(number), number, first, all))
        .toList();
    people = switch (group) {
      case ALL -> all;
      case CHANGED -> changes.getLast().count();
      case UNCHANGED -> all - changes.getLast().count();
    };
    rounds = new Rounds(random(RandomStream.ROUNDS), people);
  }

  /** Individuals 0 to {@code people - 1}, as they are at first. */
  public static Population of(long people, long seed) {
    return new Population(seed, 0, people, List.of(), 0, Group.ALL);
  }

  public Population from(long first) {
    return new Population(seed, first, all, revisions, version, group);
  }

  /** @param changeable what the source can revise */
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
    return new Population(seed, first, all, more, more.size(), group);
  }

  public Population only(Group group) {
    if (revisions.isEmpty() || group == Group.UNCHANGED && changes.getLast().count() == all) {
      throw new IllegalStateException("a revision has changed "
          + (revisions.isEmpty() ? "nobody" : "everybody") + ": there is no such group");
    }
    return new Population(seed, first, all, revisions, version, group);
  }

  public Population before() {
    if (version == 0) {
      throw new IllegalStateException("there was no revision, and no state before");
    }
    return new Population(seed, first, all, revisions, version - 1, group);
  }

  public long seed() {
    return seed;
  }

  public long first() {
    return first;
  }

  /** Of all groups. */
  public long all() {
    return all;
  }

  /** Of the group. */
  public long people() {
    return people;
  }

  /** The changes that have happened, from the oldest to the newest. */
  public List<AppliedRevision> changes() {
    return changes.subList(0, version);
  }

  public boolean isChanged(long person) {
    return version > 0 && changes.get(version - 1).changes(individual(person));
  }

  public long individual(long person) {
    return switch (group) {
      case ALL -> first + person;
      case CHANGED -> changes.getLast().individual(person);
      case UNCHANGED -> changes.getLast().individual(changes.getLast().count() + person);
    };
  }

  /** Whom an item of the training stream is about. */
  public long person(long sequenceNumber) {
    return rounds.person(sequenceNumber);
  }

  public void persons(long first, long[] target) {
    rounds.persons(first, target);
  }

  /** A stream of numbers that no other population of the seed has. */
  public CounterRandom random(RandomStream purpose) {
    return random(purpose, version);
  }

  /** The same whatever has happened, so that probes before and after a revision differ in values only. */
  public CounterRandom measuringRandom() {
    return random(RandomStream.MEASURING, 0);
  }

  private CounterRandom random(RandomStream purpose, int version) {
    CounterRandom random = purpose.random(seed);
    return first == 0 && version == 0 && group == Group.ALL
        ? random
        : random.child(first).child(version).child(group.ordinal());
  }

  /** What a name says behind the kind: as in " version 2 changed", or nothing. */
  public String suffix() {
    return (revisions.isEmpty() ? "" : " version " + (version + 1))
        + (group == Group.ALL ? "" : " " + groupName());
  }

  /** Puts what is special, if anything. */
  public void describe(Map<String, Object> parameters) {
    if (first > 0) {
      parameters.put("first", first);
    }
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
