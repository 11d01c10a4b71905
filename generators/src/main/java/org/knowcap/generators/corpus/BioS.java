package org.knowcap.generators.corpus;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * bioS(N): biographies of N people in six sentences, one an attribute, whose templates and order are drawn
 * anew at every exposure (arXiv 2404.05405, and 2309.14316 in more detail). The first sentence names the
 * person, the others say "He" or "She".
 *
 * <p>Others can be derived from one: {@link #simple} tells the same text each time, {@link #from} is about
 * other people, as junk is, and {@link #revised} about the same people when some facts have changed.
 */
public final class BioS implements Source {

  /** Raised when the same parameters and lists come to mean other texts. */
  private static final int VERSION = 1;

  /** Which of the people: of revised ones, those whom the last revision changed, or those it did not. */
  private enum Group {
    ALL, CHANGED, UNCHANGED
  }

  /**
   * What is chosen besides lists and seed.
   *
   * @param first     the individual whom the people begin with
   * @param people    how many there are
   * @param simple    whether a person has one text only
   * @param revisions from the oldest to the newest
   * @param version   how many of the revisions have happened
   */
  private record Choice(long first, long people, boolean simple, List<Revision> revisions, int version,
      Group group) {}

  private final Choice choice;
  private final long seed;
  private final Pools pools;
  private final Biographies biographies;
  private final Facts facts;
  /** The facts after all revisions, by the last of which people are grouped. */
  private final Facts newest;
  private final long people;
  private final int longestItem;
  private final KeyedPermutation rounds;
  private final CounterRandom texts;
  private final CounterRandom probes;

  /**
   * @param people    N, 1 to the number of names
   * @param seed      any number
   * @param pools     what people are made of
   * @param templates what sentences are made of
   * @throws IllegalArgumentException if N is out of range
   */
  public BioS(long people, long seed, Pools pools, Templates templates) {
    Names.check(0, people, pools.sizes());
    this(new Choice(0, people, false, List.of(), 0, Group.ALL), seed, pools,
        new Biographies(seed, pools, templates));
  }

  private BioS(Choice choice, long seed, Pools pools, Biographies biographies) {
    Names.check(choice.first, choice.people, pools.sizes());
    this.choice = choice;
    this.seed = seed;
    this.pools = pools;
    this.biographies = biographies;
    List<Facts> versions = new ArrayList<>();
    versions.add(new Facts.Original(seed, choice.first, pools));
    for (Revision revision : choice.revisions) {
      versions.add(new Facts.Revised(versions.getLast(), revision, choice.first, choice.people, pools));
    }
    facts = versions.get(choice.version);
    newest = versions.getLast();
    people = switch (choice.group) {
      case ALL -> choice.people;
      case CHANGED -> newest.changed();
      case UNCHANGED -> choice.people - newest.changed();
    };
    longestItem = (int) biographies.tokens(biographies.pieces()::maxLength);
    rounds = new KeyedPermutation(random(Purpose.ROUNDS, choice.version), people);
    texts = random(Purpose.TEXTS, choice.version);
    probes = random(Purpose.PROBES, 0);
  }

  /** A stream for each source that is derived; a version's probes differ from another's in values only. */
  private CounterRandom random(Purpose purpose, int version) {
    CounterRandom random = purpose.random(seed);
    return choice.first == 0 && version == 0 && choice.group == Group.ALL
        ? random
        : random.child(choice.first).child(version).child(choice.group.ordinal());
  }

  /** bioS-simple(N): what each person's first text would be is the person's only one. */
  public BioS simple() {
    return derived(new Choice(choice.first, choice.people, true, choice.revisions, choice.version,
        choice.group));
  }

  /**
   * As many people, but others: of the individuals that this seed and these pools can make, those from number
   * {@code first} on. The people of a corpus that is not derived are individuals 0 to N - 1; sources of the
   * same seed and pools whose individuals are not the same share no name.
   *
   * @throws IllegalArgumentException if there are not as many names
   */
  public BioS from(long first) {
    return derived(new Choice(first, choice.people, choice.simple, choice.revisions, choice.version,
        choice.group));
  }

  /**
   * The same people when a revision has changed some of their values.
   *
   * @throws IllegalArgumentException if the revision changes nobody, or an attribute has one value only
   * @throws IllegalStateException    if these are only {@link #changed} or {@link #unchanged} people
   */
  public BioS revised(Revision revision) {
    if (choice.group != Group.ALL) {
      throw new IllegalStateException("only all people of " + name() + " can be revised");
    }
    List<Revision> revisions = Stream.concat(choice.revisions.stream(), Stream.of(revision)).toList();
    return derived(new Choice(choice.first, choice.people, choice.simple, revisions, revisions.size(),
        Group.ALL));
  }

  /** The people of this revised corpus whom the last revision changed: to learn only what is new. */
  public BioS changed() {
    return group(Group.CHANGED);
  }

  /** The people of this revised corpus whom the last revision left as they were: to be mixed in as replay. */
  public BioS unchanged() {
    return group(Group.UNCHANGED);
  }

  private BioS group(Group group) {
    if (newest.changed() == (group == Group.CHANGED ? 0 : choice.people)) {
      throw new IllegalStateException("there are no " + group.name().toLowerCase(Locale.ROOT) + " people in "
          + name());
    }
    return derived(new Choice(choice.first, choice.people, choice.simple, choice.revisions, choice.version,
        group));
  }

  /**
   * The same people before the last revision. Its {@link #probe} differs in the changed values only.
   *
   * @throws IllegalStateException if there was none
   */
  public BioS before() {
    if (choice.version == 0) {
      throw new IllegalStateException(name() + " has not been revised");
    }
    return derived(new Choice(choice.first, choice.people, choice.simple, choice.revisions,
        choice.version - 1, choice.group));
  }

  /** Whether the last revision that has happened changed that person. */
  public boolean isChanged(long person) {
    return facts.changes(individual(person));
  }

  private BioS derived(Choice derived) {
    return new BioS(derived, seed, pools, biographies);
  }

  @Override
  public String name() {
    return (choice.simple ? "bioS-simple(" : "bioS(") + people + ")"
        + (choice.revisions.isEmpty() ? "" : " version " + (choice.version + 1))
        + (choice.group == Group.ALL ? "" : " " + choice.group.name().toLowerCase(Locale.ROOT));
  }

  @Override
  public long people() {
    return people;
  }

  @Override
  public long seed() {
    return seed;
  }

  @Override
  public Vocabulary vocabulary() {
    return biographies.pieces().vocabulary();
  }

  @Override
  public BitContent bits() {
    return BioSBits.of(people, pools.sizes());
  }

  @Override
  public double meanItemTokens() {
    return biographies.tokens(biographies.pieces()::meanLength);
  }

  @Override
  public int longestItem() {
    return longestItem;
  }

  @Override
  public int mergingJoints() {
    return biographies.mergingJoints();
  }

  @Override
  public Map<String, Object> parameters() {
    PoolSizes sizes = pools.sizes();
    Map<String, Object> pools = new LinkedHashMap<>();
    pools.put("first", sizes.first());
    pools.put("middle", sizes.middle());
    pools.put("last", sizes.last());
    pools.put("months", sizes.months());
    pools.put("days", sizes.days());
    pools.put("years", sizes.years());
    pools.put("birth_cities", sizes.birthCities());
    pools.put("universities", sizes.universities());
    pools.put("majors", sizes.majors());
    pools.put("employers", sizes.employers());
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", choice.simple ? "bioS-simple" : "bioS");
    parameters.put("version", VERSION);
    parameters.put("people", choice.people);
    parameters.put("seed", seed);
    parameters.put("pools", pools);
    parameters.put("templates", biographies.templateCounts());
    if (choice.first > 0) {
      parameters.put("first", choice.first);
    }
    if (!choice.revisions.isEmpty()) {
      parameters.put("revisions", choice.revisions.stream().map(Revision::parameters).toList());
      parameters.put("revised", choice.version);
      parameters.put("group", choice.group.name().toLowerCase(Locale.ROOT));
    }
    return parameters;
  }

  @Override
  public String digest() {
    return Digests.sha256(parameters() + "\n" + String.join("\n", biographies.lists()));
  }

  @Override
  public int write(long sequenceNumber, int[] target, int offset) {
    return write(person(sequenceNumber), texts, sequenceNumber / people, false, target, offset,
        SpanSink.NONE);
  }

  @Override
  public Probe annotated(long sequenceNumber) {
    return annotated(person(sequenceNumber), texts, sequenceNumber / people, false);
  }

  @Override
  public long person(long sequenceNumber) {
    return rounds.apply(sequenceNumber / people, sequenceNumber % people);
  }

  @Override
  public Map<Attribute, String> values(long person) {
    return biographies.values(facts, individual(person));
  }

  @Override
  public Probe probe(long person, long draw) {
    return choice.simple ? annotated(person, texts, 0, false) : annotated(person, probes, draw, true);
  }

  private Probe annotated(long person, CounterRandom random, long draw, boolean ordered) {
    List<Span> spans = new ArrayList<>();
    int[] tokens = new int[longestItem];
    int length = write(person, random, draw, ordered, tokens, 0,
        (part, attribute, start, end) -> spans.add(new Span(part, attribute, start, end)));
    return new Probe(Arrays.copyOf(tokens, length), List.copyOf(spans));
  }

  /** Writes text number {@code draw} about a person, drawn from {@code random}. */
  private int write(long person, CounterRandom random, long draw, boolean ordered, int[] target, int offset,
      SpanSink spans) {
    long text = (choice.simple ? 0 : draw) * people + person;
    return biographies.write(facts, individual(person), random, text * biographies.draws(), ordered, target,
        offset, spans);
  }

  private long individual(long person) {
    return switch (choice.group) {
      case ALL -> choice.first + person;
      case CHANGED -> newest.individual(person);
      case UNCHANGED -> newest.individual(newest.changed() + person);
    };
  }
}
