package org.knowcap.generators.corpus;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * bioS(N): biographies of N people in six sentences, one an attribute, whose templates and order are drawn
 * anew at every exposure (arXiv 2404.05405, and 2309.14316 in more detail). The first sentence names the
 * person, the others say "He" or "She".
 *
 * <p>Others can be derived from one: {@link #simple} tells the same text each time, {@link #from} is about
 * other people, as junk is, and {@link #revised} about the same people when some facts have changed.
 */
public final class BioS extends Revisable<BioS> {

  /** Raised when the same parameters and lists come to mean other texts. */
  private static final int VERSION = 1;

  private static final List<Attribute> CHANGEABLE = List.of(Attribute.GENDER, Attribute.BIRTH_DATE,
      Attribute.BIRTH_CITY, Attribute.UNIVERSITY, Attribute.MAJOR, Attribute.EMPLOYER);

  private final boolean simple;
  private final Pools pools;
  private final Biographies biographies;
  private final Facts facts;
  private final int longestItem;
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
    this(Cast.of(people, seed), false, pools, new Biographies(seed, pools, templates));
  }

  private BioS(Cast cast, boolean simple, Pools pools, Biographies biographies) {
    Names.check(cast.first(), cast.all(), pools.sizes());
    super(cast);
    this.simple = simple;
    this.pools = pools;
    this.biographies = biographies;
    Facts latest = new Facts.Original(cast.seed(), pools);
    for (Change change : cast.changes()) {
      latest = new Facts.Revised(latest, change, pools);
    }
    facts = latest;
    longestItem = (int) biographies.tokens(biographies.pieces()::maxLength);
    texts = cast.random(Purpose.TEXTS);
    probes = cast.probes();
  }

  /** bioS-simple(N): what each person's first text would be is the person's only one. */
  public BioS simple() {
    return new BioS(cast, true, pools, biographies);
  }

  /** What the people are made of. */
  Pools pools() {
    return pools;
  }

  @Override
  List<Attribute> changeable() {
    return CHANGEABLE;
  }

  @Override
  double uniformBits(List<Attribute> attributes) {
    return BioSBits.uniform(attributes, pools.sizes());
  }

  @Override
  BioS derived(Cast derived) {
    return new BioS(derived, simple, pools, biographies);
  }

  @Override
  public String name() {
    return (simple ? "bioS-simple(" : "bioS(") + people() + ")" + cast.suffix();
  }

  @Override
  public Vocabulary vocabulary() {
    return biographies.pieces().vocabulary();
  }

  @Override
  public BitContent bits() {
    return BioSBits.of(people(), pools.sizes());
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
    parameters.put("kind", simple ? "bioS-simple" : "bioS");
    parameters.put("version", VERSION);
    parameters.put("people", cast.all());
    parameters.put("seed", cast.seed());
    parameters.put("pools", pools);
    parameters.put("templates", biographies.templateCounts());
    cast.describe(parameters);
    return parameters;
  }

  @Override
  public String digest() {
    return Digests.sha256(parameters() + "\n" + String.join("\n", biographies.lists()));
  }

  @Override
  public int write(long sequenceNumber, long person, int[] target, int offset) {
    return write(person, texts, sequenceNumber / people(), false, target, offset, SpanSink.NONE);
  }

  @Override
  public Probe annotated(long sequenceNumber) {
    return annotated(person(sequenceNumber), texts, sequenceNumber / people(), false);
  }

  @Override
  public Map<Attribute, String> values(long person) {
    return biographies.values(facts, cast.individual(person));
  }

  @Override
  public Probe probe(long person, long draw) {
    return simple ? annotated(person, texts, 0, false) : annotated(person, probes, draw, true);
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
    long text = (simple ? 0 : draw) * people() + person;
    return biographies.write(facts, cast.individual(person), random, text * biographies.draws(), ordered,
        target, offset, spans);
  }
}
