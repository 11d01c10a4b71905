package org.knowcap.generators.corpus;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.generators.random.CounterRandom;

/**
 * Whom a source is about, in what order, and which changes have come upon them. Individuals are all that a
 * seed and its pools can make; the people of a source are some of them.
 */
final class Cast {

  /** Which of the people: all, those whom the last revision changed, or those it did not. */
  enum Group {
    ALL, CHANGED, UNCHANGED
  }

  private final long seed;
  private final long first;
  private final long all;
  private final List<Revision> revisions;
  private final int version;
  private final Group group;
  /** What the revisions do, whether they have happened or not. */
  private final List<Change> changes;
  private final long people;
  private final Rounds rounds;

  /**
   * @param first     the individual whom the people begin with
   * @param all       how many there are, whatever the group
   * @param revisions from the oldest to the newest
   * @param version   how many of the revisions have happened
   */
  private Cast(long seed, long first, long all, List<Revision> revisions, int version, Group group) {
    this.seed = seed;
    this.first = first;
    this.all = all;
    this.revisions = revisions;
    this.version = version;
    this.group = group;
    changes = IntStream.range(0, revisions.size())
        .mapToObj(number -> new Change(revisions.get(number), number, first, all))
        .toList();
    people = switch (group) {
      case ALL -> all;
      case CHANGED -> changes.getLast().count();
      case UNCHANGED -> all - changes.getLast().count();
    };
    rounds = new Rounds(random(Purpose.ROUNDS), people);
  }

  /** Individuals 0 to {@code people - 1}, as they are at first. */
  static Cast of(long people, long seed) {
    return new Cast(seed, 0, people, List.of(), 0, Group.ALL);
  }

  Cast from(long first) {
    return new Cast(seed, first, all, revisions, version, group);
  }

  /** @param changeable what the source can revise */
  Cast revised(Revision revision, List<Attribute> changeable) {
    if (group != Group.ALL) {
      throw new IllegalStateException(
          "only all people can be revised, not the " + groupName() + " ones alone");
    }
    if (!changeable.containsAll(revision.attributes())) {
      throw new IllegalArgumentException("a revision's attributes must be of "
          + changeable.stream().map(Attribute::key).toList() + ", found " + revision.keys());
    }
    List<Revision> more = Stream.concat(revisions.stream(), Stream.of(revision)).toList();
    return new Cast(seed, first, all, more, more.size(), group);
  }

  Cast only(Group group) {
    if (revisions.isEmpty() || group == Group.UNCHANGED && changes.getLast().count() == all) {
      throw new IllegalStateException("a revision has changed "
          + (revisions.isEmpty() ? "nobody" : "everybody") + ": there is no such group");
    }
    return new Cast(seed, first, all, revisions, version, group);
  }

  Cast before() {
    if (version == 0) {
      throw new IllegalStateException("there was no revision, and no state before");
    }
    return new Cast(seed, first, all, revisions, version - 1, group);
  }

  long seed() {
    return seed;
  }

  long first() {
    return first;
  }

  /** Of all groups. */
  long all() {
    return all;
  }

  /** Of the group. */
  long people() {
    return people;
  }

  /** The changes that have happened, from the oldest to the newest. */
  List<Change> changes() {
    return changes.subList(0, version);
  }

  boolean isChanged(long person) {
    return version > 0 && changes.get(version - 1).changes(individual(person));
  }

  long individual(long person) {
    return switch (group) {
      case ALL -> first + person;
      case CHANGED -> changes.getLast().individual(person);
      case UNCHANGED -> changes.getLast().individual(changes.getLast().count() + person);
    };
  }

  /** Whom an item of the training stream is about. */
  long person(long sequenceNumber) {
    return rounds.person(sequenceNumber);
  }

  void persons(long first, long[] target) {
    rounds.persons(first, target);
  }

  /** A stream of numbers that no other cast of the seed has. */
  CounterRandom random(Purpose purpose) {
    return random(purpose, version);
  }

  /** The same whatever has happened, so that probes before and after a revision differ in values only. */
  CounterRandom probes() {
    return random(Purpose.PROBES, 0);
  }

  private CounterRandom random(Purpose purpose, int version) {
    CounterRandom random = purpose.random(seed);
    return first == 0 && version == 0 && group == Group.ALL
        ? random
        : random.child(first).child(version).child(group.ordinal());
  }

  /** What a name says behind the kind: as in " version 2 changed", or nothing. */
  String suffix() {
    return (revisions.isEmpty() ? "" : " version " + (version + 1))
        + (group == Group.ALL ? "" : " " + groupName());
  }

  /** Puts what is special, if anything. */
  void describe(Map<String, Object> parameters) {
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
