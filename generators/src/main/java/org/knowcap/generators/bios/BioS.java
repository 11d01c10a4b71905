package org.knowcap.generators.bios;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.knowcap.files.Sha256;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.GroundTruth;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.corpus.SpanSink;
import org.knowcap.generators.people.AppliedRevision;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.people.Names;
import org.knowcap.generators.people.Population;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.RandomStream;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * bioS(N): biographies of N people in six sentences, one for each attribute. The sentences' templates and order
 * are redrawn at every exposure (arXiv 2404.05405, and 2309.14316 in more detail). The first sentence names
 * the person, the others say "He" or "She".
 *
 * <p>Other sources can be derived from one: {@link #simple} gives each person one text only, {@link #from} has
 * other people (such as those of junk), and {@link #revised} has the same people after a change of some facts.
 */
public final class BioS extends GeneratedSource<BioS> {

  /** To be raised when a change of the code gives other texts for unchanged parameters and lists. */
  private static final int VERSION = 1;
  private static final int SIMPLE_VERSION = 2;

  private static final List<Attribute> CHANGEABLE = List.of(Attribute.GENDER, Attribute.BIRTH_DATE,
      Attribute.BIRTH_CITY, Attribute.UNIVERSITY, Attribute.MAJOR, Attribute.EMPLOYER);

  /** The people's facts. */
  private final class Truth implements GroundTruth {
    @Override
    public long people() {
      return population.people();
    }

    @Override
    public BitContent bits() {
      return BioSBits.of(population.people(), pools.sizes());
    }

    @Override
    public Map<Attribute, String> values(long person) {
      return biographies.values(facts, population.individual(person));
    }
  }

  private final boolean simple;
  private final Pools pools;
  private final BiographyWriter biographies;
  private final Facts facts;
  private final int longestItem;
  private final CounterRandom texts;
  private final CounterRandom measuring;
  private final GroundTruth truth = new Truth();

  /**
   * @param people    N, 1 to the number of names
   * @param seed      any number
   * @param pools     the lists of names and values
   * @param templates of the sentences
   * @throws IllegalArgumentException if N is out of range
   */
  public BioS(long people, long seed, Pools pools, Templates templates) {
    Names.check(0, people, pools.sizes());
    this(Population.of(people, seed), false, pools, new BiographyWriter(pools, templates));
  }

  private BioS(Population population, boolean simple, Pools pools, BiographyWriter biographies) {
    Names.check(population.first(), population.all(), pools.sizes());
    super(population);
    this.simple = simple;
    this.pools = pools;
    this.biographies = biographies;
    Facts latest = new Facts.Original(population.seed(), pools);
    for (AppliedRevision revision : population.revisions()) {
      latest = new Facts.Revised(latest, revision, pools);
    }
    facts = latest;
    longestItem = biographies.longest();
    texts = population.random(RandomStream.TEXTS);
    measuring = population.measuringRandom();
  }

  /**
   * bioS-simple(N): each person has one text, in which the employer comes before its city. The text is also the one that
   * is measured: with the city in front, an employer would be measured in another way than bioS's.
   */
  public BioS simple() {
    return new BioS(population, true, pools, biographies);
  }

  /**
   * The same people, whose texts do not say in which city their employer is. It is still true of them ({@link #truth}), and whoever
   * knows the employer's city can infer it.
   */
  public BioS withoutEmployerCity() {
    return new BioS(population, simple, pools, biographies.withoutEmployerCity());
  }

  /** Whether texts say in which city the employer is. */
  public boolean tellsEmployerCity() {
    return biographies.tellsEmployerCity();
  }

  /** The lists of names and values. */
  @Override
  public Pools pools() {
    return pools;
  }

  @Override
  protected List<Attribute> changeable() {
    return CHANGEABLE;
  }

  @Override
  public double uniformBits(List<Attribute> attributes) {
    return BioSBits.uniform(attributes, pools.sizes());
  }

  @Override
  protected BioS derived(Population derived) {
    return new BioS(derived, simple, pools, biographies);
  }

  @Override
  public String name() {
    return (simple ? "bioS-simple(" : "bioS(") + people() + ")" + population.suffix();
  }

  @Override
  public Vocabulary vocabulary() {
    return biographies.pieces().vocabulary();
  }

  @Override
  public GroundTruth truth() {
    return truth;
  }

  @Override
  public boolean repeatsWording() {
    return simple;
  }

  /** Texts are short: a shorter window cuts them, and training sees the rest of a text in the next window. */
  @Override
  public boolean needsWholeTexts() {
    return false;
  }

  @Override
  public double meanItemTokens() {
    return biographies.meanTokens(simple);
  }

  @Override
  public ItemLayout layout() {
    return biographies.layout(simple);
  }

  @Override
  public int longestItem() {
    return longestItem;
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
    parameters.put("version", simple ? SIMPLE_VERSION : VERSION);
    parameters.put("people", population.all());
    parameters.put("seed", population.seed());
    parameters.put("pools", pools);
    parameters.put("templates", biographies.templateCounts());
    if (!tellsEmployerCity()) {
      parameters.put("employer_city", "not told");
    }
    population.describe(parameters);
    return parameters;
  }

  @Override
  public String digest() {
    return Sha256.of(parameters() + "\n" + String.join("\n", biographies.lists()));
  }

  @Override
  public int write(long sequenceNumber, long person, int[] target, int offset) {
    return write(person, texts, rounds().draw(sequenceNumber), false, target, offset, SpanSink.NONE);
  }

  @Override
  public AnnotatedItem annotated(long sequenceNumber) {
    return annotated(person(sequenceNumber), texts, rounds().draw(sequenceNumber), false);
  }

  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return simple ? annotated(person, texts, 0, false) : annotated(person, measuring, draw, true);
  }

  @Override
  public Set<Attribute> stated(long person, String text) {
    return biographies.stated(facts, population.individual(person), text);
  }

  private AnnotatedItem annotated(long person, CounterRandom random, long draw, boolean ordered) {
    List<Span> spans = new ArrayList<>();
    int[] tokens = new int[longestItem];
    int length = write(person, random, draw, ordered, tokens, 0,
        (kind, attribute, start, end) -> spans.add(new Span(kind, attribute, start, end)));
    return new AnnotatedItem(Arrays.copyOf(tokens, length), List.copyOf(spans));
  }

  /** Writes text number {@code draw} about a person, drawn from {@code random}; returns the number of tokens. */
  private int write(long person, CounterRandom random, long draw, boolean ordered, int[] target, int offset,
      SpanSink spans) {
    long text = (simple ? 0 : draw) * people() + person;
    return biographies.write(facts, population.individual(person), random, text * biographies.draws(),
        simple || ordered, target, offset, spans);
  }
}
