package org.knowcap.generators.corpus;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.tokens.Pieces;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * bioD(N, K, C, D, L, T): N people with K attributes "ID 1" to "ID K", whose values are strings of symbols
 * (paper, definition 2.2). One sentence an attribute, in an order drawn anew at every exposure: "Anna Mae
 * Smith's ID 2 is #17 #4. Their ID 1 is #8 #8."
 *
 * <p>Names and sentences are GPT-2's tokens; each of the T symbols has a token of its own, and nothing stands
 * between the symbols or chunks of a value. The pronoun is the same for everybody, so that it says nothing.
 */
public final class BioD implements Source {

  /** Raised when the same parameters and lists come to mean other texts. */
  private static final int VERSION = 1;

  private final long first;
  private final long people;
  private final long seed;
  private final BioDShape shape;
  private final Pools pools;

  private final Names names;
  private final Pieces pieces;
  private final Pieces.Range possessive;
  private final Pieces.Range pronoun;
  /** " ID 1 is" and so on. */
  private final Pieces.Range labels;
  private final Pieces.Range period;
  private final int mergingJoints;
  private final int longestItem;
  private final String digest;

  private final DiversitySets strings;
  private final int firstSymbol;
  private final CounterRandom chunks;
  private final KeyedPermutation rounds;
  private final CounterRandom texts;
  private final CounterRandom probes;

  /**
   * @param people N, 1 to the number of names
   * @param shape  K, C, D, L and T
   * @param seed   any number
   * @param pools  of which only the names are used
   * @throws IllegalArgumentException if N is out of range
   */
  public BioD(long people, BioDShape shape, long seed, Pools pools) {
    this(0, people, shape, seed, pools);
  }

  private BioD(long first, long people, BioDShape shape, long seed, Pools pools) {
    Names.check(first, people, pools.sizes());
    this.first = first;
    this.people = people;
    this.seed = seed;
    this.shape = shape;
    this.pools = pools;
    Pieces.Builder builder = new Pieces.Builder();
    names = new Names(seed, pools, builder);
    possessive = builder.add(List.of("'s"));
    pronoun = builder.add(List.of(" Their"));
    labels = builder.add(IntStream.rangeClosed(1, shape.attributes())
        .mapToObj(number -> " ID " + number + " is").toList());
    period = builder.add(List.of("."));
    pieces = builder.build(IntStream.range(0, shape.alphabet()).mapToObj(BioD::symbol).toList());
    mergingJoints = names.mergingJoints(builder) + builder.merges(names.lastNames(), possessive);
    longestItem = (int) tokens(pieces::maxLength);
    digest = Digests.sha256(parameters() + "\n" + String.join("\n", builder.texts()));

    strings = new DiversitySets(Purpose.DIVERSITY.random(seed), shape);
    firstSymbol = pieces.vocabulary().eos() + 1;
    chunks = Purpose.CHUNKS.random(seed);
    rounds = new KeyedPermutation(random(Purpose.ROUNDS), people);
    texts = random(Purpose.TEXTS);
    probes = random(Purpose.PROBES);
  }

  /** As it stands in decoded texts. */
  private static String symbol(int number) {
    return " #" + number;
  }

  private CounterRandom random(Purpose purpose) {
    CounterRandom random = purpose.random(seed);
    return first == 0 ? random : random.child(first);
  }

  /**
   * As many people, but others: of the individuals that this seed and these pools can make, those from number
   * {@code first} on. The strings to choose from stay the same.
   *
   * @throws IllegalArgumentException if there are not as many names
   */
  public BioD from(long first) {
    return new BioD(first, people, shape, seed, pools);
  }

  /** K, C, D, L and T. */
  public BioDShape shape() {
    return shape;
  }

  @Override
  public String name() {
    return "bioD(" + people + ", " + shape.attributes() + ", " + shape.chunks() + ", " + shape.diversity()
        + ", " + shape.length() + ", " + shape.alphabet() + ")";
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
    return pieces.vocabulary();
  }

  @Override
  public BitContent bits() {
    return BioDBits.of(people, shape, pools.sizes());
  }

  @Override
  public double meanItemTokens() {
    return tokens(pieces::meanLength);
  }

  @Override
  public int longestItem() {
    return longestItem;
  }

  /** An item's tokens, given how many each list contributes; all labels occur. */
  private double tokens(ToDoubleFunction<Pieces.Range> length) {
    int attributes = shape.attributes();
    int label = IntStream.range(0, attributes)
        .map(attribute -> pieces.maxLength(new Pieces.Range(labels.first() + attribute, 1))).sum();
    return 1 + names.tokens(length) + length.applyAsDouble(possessive)
        + (attributes - 1) * length.applyAsDouble(pronoun) + label
        + attributes * (shape.chunks() * shape.length() + length.applyAsDouble(period));
  }

  @Override
  public int mergingJoints() {
    return mergingJoints;
  }

  @Override
  public Map<String, Object> parameters() {
    PoolSizes sizes = pools.sizes();
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "bioD");
    parameters.put("version", VERSION);
    parameters.put("people", people);
    parameters.put("attributes", shape.attributes());
    parameters.put("chunks", shape.chunks());
    parameters.put("diversity", shape.diversity());
    parameters.put("length", shape.length());
    parameters.put("alphabet", shape.alphabet());
    parameters.put("seed", seed);
    Map<String, Object> names = new LinkedHashMap<>();
    names.put("first", sizes.first());
    names.put("middle", sizes.middle());
    names.put("last", sizes.last());
    parameters.put("pools", names);
    if (first > 0) {
      parameters.put("first", first);
    }
    return parameters;
  }

  @Override
  public String digest() {
    return digest;
  }

  @Override
  public int write(long sequenceNumber, int[] target, int offset) {
    return write(person(sequenceNumber), texts, sequenceNumber / people, target, offset, SpanSink.NONE);
  }

  @Override
  public Probe annotated(long sequenceNumber) {
    return annotated(person(sequenceNumber), texts, sequenceNumber / people);
  }

  @Override
  public long person(long sequenceNumber) {
    return rounds.apply(sequenceNumber / people, sequenceNumber % people);
  }

  @Override
  public Map<Attribute, String> values(long person) {
    Map<Attribute, String> values = new LinkedHashMap<>();
    values.put(Attribute.NAME, names.text(first + person));
    int[] value = new int[shape.chunks() * shape.length()];
    for (int attribute = 0; attribute < shape.attributes(); attribute++) {
      writeValue(first + person, attribute, value, 0);
      values.put(Attribute.id(attribute + 1), vocabulary().decode(value, 0, value.length).strip());
    }
    return values;
  }

  @Override
  public Probe probe(long person, long draw) {
    return annotated(person, probes, draw);
  }

  private Probe annotated(long person, CounterRandom random, long draw) {
    List<Span> spans = new ArrayList<>();
    int[] tokens = new int[longestItem];
    int length = write(person, random, draw, tokens, 0,
        (part, attribute, start, end) -> spans.add(new Span(part, attribute, start, end)));
    return new Probe(Arrays.copyOf(tokens, length), List.copyOf(spans));
  }

  /** Writes text number {@code draw} about a person, whose order is drawn from {@code random}. */
  private int write(long person, CounterRandom random, long draw, int[] target, int offset, SpanSink spans) {
    int attributes = shape.attributes();
    // The order is kept at the end of the item's room, and read before the text gets there: what is still to
    // come of the text is always longer than what is still to come of the order.
    int order = offset + longestItem - attributes;
    long counter = (draw * people + person) * attributes;
    for (int place = 0; place < attributes; place++) {
      int other = random.below(place + 1, counter + place);
      target[order + place] = target[order + other];
      target[order + other] = place;
    }
    int at = offset;
    target[at++] = pieces.vocabulary().eos();
    for (int place = 0; place < attributes; place++) {
      int attribute = target[order + place];
      int subject = at;
      if (place == 0) {
        at = names.write(first + person, pieces, target, at);
        spans.span(Part.NAME, Attribute.NAME, subject - offset, at - offset);
        at = pieces.write(possessive.first(), target, at);
      } else {
        at = pieces.write(pronoun.first(), target, at);
      }
      at = pieces.write(labels.first() + attribute, target, at);
      int value = at;
      at = writeValue(first + person, attribute, target, at);
      if (spans != SpanSink.NONE) {
        Attribute id = Attribute.id(attribute + 1);
        spans.span(Part.VALUE, id, value - offset, at - offset);
        spans.span(Part.FIRST_CHUNK, id, value - offset, value - offset + shape.length());
      }
      at = pieces.write(period.first(), target, at);
    }
    return at - offset;
  }

  private int writeValue(long individual, int attribute, int[] target, int offset) {
    long counter = (individual * shape.attributes() + attribute) * shape.chunks();
    int at = offset;
    for (int chunk = 0; chunk < shape.chunks(); chunk++) {
      strings.write(attribute, chunks.below(shape.diversity(), counter + chunk), firstSymbol, target, at);
      at += shape.length();
    }
    return at;
  }
}
