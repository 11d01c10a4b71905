package org.knowcap.generators.biod;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.knowcap.files.Sha256;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.Logarithms;
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
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.random.RandomStream;
import org.knowcap.generators.tokens.Pieces;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * bioD(N, K, C, D, L, T): N people with K attributes "ID 1" to "ID K", whose values are strings of symbols
 * (paper, definition 2.2). A text has one sentence for each attribute, in an order redrawn at every exposure:
 * "Anna Mae Smith's ID 2 is #17 #4. Their ID 1 is #8 #8."
 *
 * <p>Names and sentences are GPT-2's tokens. Each of the T symbols has a token of its own; no token separates
 * the symbols or chunks of a value. All people have the pronoun "Their", so that it states nothing.
 */
public final class BioD extends GeneratedSource<BioD> {

  /** To be raised when a change of the code gives other texts for unchanged parameters and lists. */
  private static final int VERSION = 1;

  /** The people's values. */
  private final class Truth implements GroundTruth {
    @Override
    public long people() {
      return population.people();
    }

    @Override
    public BitContent bits() {
      return BioDBits.of(population.people(), shape, pools.sizes());
    }

    @Override
    public Map<Attribute, String> values(long person) {
      long individual = population.individual(person);
      Map<Attribute, String> values = new LinkedHashMap<>();
      values.put(Attribute.NAME, wording.names.text(names.apply(0, individual)));
      int[] value = new int[shape.chunks() * shape.length()];
      for (int attribute = 0; attribute < shape.attributes(); attribute++) {
        writeValue(individual, attribute, value, 0);
        values.put(Attribute.id(attribute + 1), vocabulary().decode(value, 0, value.length).strip());
      }
      return values;
    }
  }

  private final BioDShape shape;
  private final Pools pools;

  private final Wording wording;
  private final KeyedPermutation names;
  private final int longestItem;

  private final DiversitySets strings;
  private final int firstSymbol;
  private final Chunks chunks;
  private final CounterRandom texts;
  private final CounterRandom measuring;
  private final GroundTruth truth = new Truth();

  /**
   * @param people N, 1 to the number of names
   * @param shape  K, C, D, L and T
   * @param seed   any number
   * @param pools  only its names are used
   * @throws IllegalArgumentException if N is out of range
   */
  public BioD(long people, BioDShape shape, long seed, Pools pools) {
    Names.check(0, people, pools.sizes());
    this(Population.of(people, seed), shape, pools, new Wording(shape, pools));
  }

  private BioD(Population population, BioDShape shape, Pools pools, Wording wording) {
    Names.check(population.first(), population.all(), pools.sizes());
    super(population);
    this.shape = shape;
    this.pools = pools;
    this.wording = wording;
    names = Names.order(population.seed(), pools.sizes());
    longestItem = (int) tokens(wording.pieces::maxLength) + wording.pieces.maxExcess(wording.possessives);

    strings = new DiversitySets(RandomStream.DIVERSITY.random(population.seed()), shape);
    firstSymbol = vocabulary().eos() + 1;
    Chunks latest = new Chunks.Original(RandomStream.CHUNKS.random(population.seed()), shape);
    for (AppliedRevision revision : population.revisions()) {
      latest = new Chunks.Revised(latest, revision, shape);
    }
    chunks = latest;
    texts = population.random(RandomStream.TEXTS);
    measuring = population.measuringRandom();
  }

  @Override
  protected List<Attribute> changeable() {
    return IntStream.rangeClosed(1, shape.attributes()).mapToObj(Attribute::id).toList();
  }

  @Override
  public double uniformBits(List<Attribute> attributes) {
    return attributes.size() * shape.chunks() * Logarithms.log2(shape.diversity());
  }

  @Override
  protected BioD derived(Population derived) {
    return new BioD(derived, shape, pools, wording);
  }

  /** The lists, of which only names are used. */
  @Override
  public Pools pools() {
    return pools;
  }

  /** K, C, D, L and T. */
  public BioDShape shape() {
    return shape;
  }

  @Override
  public String name() {
    return "bioD(" + people() + ", " + shape.attributes() + ", " + shape.chunks() + ", " + shape.diversity()
        + ", " + shape.length() + ", " + shape.alphabet() + ")" + population.suffix();
  }

  @Override
  public Vocabulary vocabulary() {
    return wording.pieces.vocabulary();
  }

  @Override
  public GroundTruth truth() {
    return truth;
  }

  @Override
  public double meanItemTokens() {
    return tokens(wording.pieces::meanLength) + wording.pieces.meanExcess(wording.possessives);
  }

  @Override
  public ItemLayout layout() {
    return wording.layout();
  }

  @Override
  public int longestItem() {
    return longestItem;
  }

  /** The number of tokens of an item, given the number that each list contributes; all labels occur. */
  private double tokens(ToDoubleFunction<Pieces.Range> length) {
    int attributes = shape.attributes();
    int label = IntStream.range(0, attributes)
        .map(attribute -> wording.pieces.maxLength(new Pieces.Range(wording.labels.first() + attribute, 1)))
        .sum();
    return 1 + wording.names.tokens(length) + length.applyAsDouble(wording.possessive)
        + (attributes - 1) * length.applyAsDouble(wording.pronoun) + label
        + attributes * (shape.chunks() * shape.length() + length.applyAsDouble(wording.period));
  }

  @Override
  public Map<String, Object> parameters() {
    PoolSizes sizes = pools.sizes();
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "bioD");
    parameters.put("version", VERSION);
    parameters.put("people", population.all());
    parameters.put("attributes", shape.attributes());
    parameters.put("chunks", shape.chunks());
    parameters.put("diversity", shape.diversity());
    parameters.put("length", shape.length());
    parameters.put("alphabet", shape.alphabet());
    parameters.put("seed", population.seed());
    Map<String, Object> names = new LinkedHashMap<>();
    names.put("first", sizes.first());
    names.put("middle", sizes.middle());
    names.put("last", sizes.last());
    parameters.put("pools", names);
    population.describe(parameters);
    return parameters;
  }

  @Override
  public String digest() {
    return Sha256.of(parameters() + "\n" + String.join("\n", wording.texts));
  }

  @Override
  public int write(long sequenceNumber, long person, int[] target, int offset) {
    return write(person, texts, rounds().draw(sequenceNumber), target, offset, SpanSink.NONE);
  }

  @Override
  public AnnotatedItem annotated(long sequenceNumber) {
    return annotated(person(sequenceNumber), texts, rounds().draw(sequenceNumber));
  }

  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return annotated(person, measuring, draw);
  }

  @Override
  public Set<Attribute> stated(long person, String text) {
    Set<Attribute> stated = new HashSet<>();
    Map<Attribute, String> values = values(person);
    for (int number = 1; number <= shape.attributes(); number++) {
      String label = " ID " + number + " is ";
      int at = text.indexOf(label);
      if (at >= 0 && text.startsWith(values.get(Attribute.id(number)) + ".", at + label.length())) {
        stated.add(Attribute.id(number));
      }
    }
    return stated;
  }

  private AnnotatedItem annotated(long person, CounterRandom random, long draw) {
    List<Span> spans = new ArrayList<>();
    int[] tokens = new int[longestItem];
    int length = write(person, random, draw, tokens, 0,
        (kind, attribute, start, end) -> spans.add(new Span(kind, attribute, start, end)));
    return new AnnotatedItem(Arrays.copyOf(tokens, length), List.copyOf(spans));
  }

  /** Writes text number {@code draw} about a person; its order is drawn from {@code random}. */
  private int write(long person, CounterRandom random, long draw, int[] target, int offset, SpanSink spans) {
    long individual = population.individual(person);
    int attributes = shape.attributes();
    // The order is kept in the last elements of the item's room. The text never overwrites an entry that is still
    // needed: the rest of the text is always longer than the rest of the order, by more than a piece overwrites.
    int order = offset + longestItem - attributes;
    long counter = (draw * people() + person) * attributes;
    for (int place = 0; place < attributes; place++) {
      int other = random.below(place + 1, counter + place);
      target[order + place] = target[order + other];
      target[order + other] = place;
    }
    Pieces pieces = wording.pieces;
    int at = offset;
    target[at++] = pieces.vocabulary().eos();
    for (int place = 0; place < attributes; place++) {
      int attribute = target[order + place];
      int subject = at;
      if (place == 0) {
        long name = names.apply(0, individual);
        at = wording.names.writeGiven(name, pieces, target, at);
        int last = wording.names.last(name);
        int end = at + pieces.leftTokens(wording.possessives, last, 0);
        spans.span(KnowledgeKind.NAME, Attribute.NAME, subject - offset, end - offset);
        at = pieces.write(wording.possessives, last, 0, target, at);
      } else {
        at = pieces.write(wording.pronoun.first(), target, at);
      }
      at = pieces.write(wording.labels.first() + attribute, target, at);
      int value = at;
      at = writeValue(individual, attribute, target, at);
      if (spans != SpanSink.NONE) {
        Attribute id = Attribute.id(attribute + 1);
        spans.span(KnowledgeKind.VALUE, id, value - offset, at - offset);
        spans.span(KnowledgeKind.FIRST_CHUNK, id, value - offset, value - offset + shape.length());
      }
      at = pieces.write(wording.period.first(), target, at);
    }
    return at - offset;
  }

  private int writeValue(long individual, int attribute, int[] target, int offset) {
    int at = offset;
    for (int chunk = 0; chunk < shape.chunks(); chunk++) {
      strings.write(attribute, chunks.index(individual, attribute, chunk), firstSymbol, target, at);
      at += shape.length();
    }
    return at;
  }
}
