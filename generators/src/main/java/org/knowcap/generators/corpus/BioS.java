package org.knowcap.generators.corpus;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.knowcap.generators.pools.Employer;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Template;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.tokens.Pieces;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * bioS(N): biographies of N people in six sentences, one an attribute, whose templates and order are drawn
 * anew at every exposure (arXiv 2404.05405, and 2309.14316 in more detail). The first sentence names the
 * person, the others say "He" or "She".
 */
public final class BioS implements Corpus {

  /** Raised when the same parameters and lists come to mean other texts. */
  private static final int VERSION = 1;

  /** Independent streams of random numbers. A stream is its place in this list: add at the end only. */
  private enum Purpose {
    NAMES, ROUNDS, TEXTS, PROBES, GENDER, MONTH, DAY, YEAR, BIRTH_CITY, UNIVERSITY, MAJOR, EMPLOYER
  }

  /**
   * A list that one thing about a person is drawn from.
   *
   * @param entries as they stand in texts, with what separates them from the word before
   * @param pieces  the entries' tokens
   * @param lead    tokens at an entry's start that carry no knowledge: the comma of ", 1996"
   */
  private record Pool(CounterRandom random, List<String> entries, Pieces.Range pieces, int lead) {
    int index(long person) {
      return random.below(pieces.size(), person);
    }
  }

  /** An attribute's sentence: subject, a template's prefix, an entry of each pool, the template's suffix. */
  private record Sentence(Attribute attribute, Pieces.Range prefixes, Pool[] values, Pieces.Range suffixes) {}

  /** Receives the spans of an item while it is written. */
  private interface SpanSink {
    void span(Part part, Attribute attribute, int start, int end);
  }

  private static final SpanSink NO_SPANS = (_, _, _, _) -> {};

  private final long people;
  private final long seed;
  private final PoolSizes sizes;
  private final String digest;

  private final KeyedPermutation names;
  private final KeyedPermutation rounds;
  private final CounterRandom texts;
  private final CounterRandom probes;

  private final Pieces pieces;
  private final int mergingJoints;
  private final int longestItem;
  /** First, middle and last names: drawn together, by the permutation. */
  private final Pool[] nameParts;
  private final Pool pronouns;
  private final List<Sentence> sentences;
  /** All 720 orders of the sentences, and the half of them that puts the employer before its city. */
  private final Sentence[][] orders;
  private final Sentence[][] probeOrders;

  /**
   * @param people    N, 1 to the number of names
   * @param seed      any number
   * @param pools     what people are made of
   * @param templates what sentences are made of
   * @throws IllegalArgumentException if N is out of range
   */
  public BioS(long people, long seed, Pools pools, Templates templates) {
    sizes = pools.sizes();
    if (people < 1 || people > sizes.names()) {
      throw new IllegalArgumentException("people must be 1.." + sizes.names() + ", found " + people
          + ": no two share a name, and the pools hold " + sizes.first() + " first, " + sizes.middle()
          + " middle and " + sizes.last() + " last names");
    }
    this.people = people;
    this.seed = seed;

    names = new KeyedPermutation(random(Purpose.NAMES), sizes.names());
    rounds = new KeyedPermutation(random(Purpose.ROUNDS), people);
    texts = random(Purpose.TEXTS);
    probes = random(Purpose.PROBES);

    Pieces.Builder builder = new Pieces.Builder();
    nameParts = new Pool[]{words(builder, Purpose.NAMES, pools.first()),
        words(builder, Purpose.NAMES, pools.middle()), words(builder, Purpose.NAMES, pools.last())};
    pronouns = words(builder, Purpose.GENDER, List.of("He", "She"));
    Pool months = words(builder, Purpose.MONTH, pools.months());
    Pool days = words(builder, Purpose.DAY, pools.days());
    Pool years = pool(builder, Purpose.YEAR, pools.years().stream().map(year -> ", " + year).toList(), 1);
    Pool birthCities = words(builder, Purpose.BIRTH_CITY, pools.birthCities());
    Pool universities = words(builder, Purpose.UNIVERSITY, pools.universities());
    Pool majors = words(builder, Purpose.MAJOR, pools.majors());
    Pool employers = words(builder, Purpose.EMPLOYER,
        pools.employers().stream().map(Employer::name).toList());
    // Drawn as the employers are: the same number picks the city.
    Pool employerCities = words(builder, Purpose.EMPLOYER,
        pools.employers().stream().map(Employer::city).toList());
    Sentence employer = sentence(builder, Attribute.EMPLOYER, templates.employer(), employers);
    Sentence employerCity = sentence(builder, Attribute.EMPLOYER_CITY, templates.employerCity(),
        employerCities);
    sentences = List.of(sentence(builder, Attribute.BIRTH_DATE, templates.birthDate(), months, days, years),
        sentence(builder, Attribute.BIRTH_CITY, templates.birthCity(), birthCities),
        sentence(builder, Attribute.UNIVERSITY, templates.university(), universities),
        sentence(builder, Attribute.MAJOR, templates.major(), majors),
        employer, employerCity);
    pieces = builder.build();
    mergingJoints = countMergingJoints(builder);
    longestItem = (int) itemTokens(pieces::maxLength);
    digest = sha256(parameters() + "\n" + String.join("\n", builder.texts()));

    List<List<Sentence>> all = permutations(sentences);
    orders = toArrays(all);
    probeOrders = toArrays(
        all.stream().filter(order -> order.indexOf(employer) < order.indexOf(employerCity)).toList());
  }

  @Override
  public String name() {
    return "bioS(" + people + ")";
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
    return BioSBits.of(people, sizes);
  }

  @Override
  public double meanItemTokens() {
    return itemTokens(pieces::meanLength);
  }

  @Override
  public int longestItem() {
    return longestItem;
  }

  /** An item's tokens, given how many each list contributes; each entry of a list is equally likely. */
  private double itemTokens(ToDoubleFunction<Pieces.Range> length) {
    double tokens = 1 + (sentences.size() - 1) * length.applyAsDouble(pronouns.pieces);
    for (Pool part : nameParts) {
      tokens += length.applyAsDouble(part.pieces);
    }
    for (Sentence sentence : sentences) {
      tokens += length.applyAsDouble(sentence.prefixes) + length.applyAsDouble(sentence.suffixes);
      for (Pool value : sentence.values) {
        tokens += length.applyAsDouble(value.pieces);
      }
    }
    return tokens;
  }

  @Override
  public int mergingJoints() {
    return mergingJoints;
  }

  @Override
  public Map<String, Object> parameters() {
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
    Map<String, Object> templateCounts = new LinkedHashMap<>();
    sentences.forEach(sentence -> templateCounts.put(sentence.attribute.key(), sentence.prefixes.size()));
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "bioS");
    parameters.put("version", VERSION);
    parameters.put("people", people);
    parameters.put("seed", seed);
    parameters.put("pools", pools);
    parameters.put("templates", templateCounts);
    return parameters;
  }

  @Override
  public String digest() {
    return digest;
  }

  @Override
  public int write(long sequenceNumber, int[] target, int offset) {
    long round = sequenceNumber / people;
    long person = rounds.apply(round, sequenceNumber % people);
    return write(person, texts, round, orders, target, offset, NO_SPANS);
  }

  @Override
  public Probe annotated(long sequenceNumber) {
    return annotate(person(sequenceNumber), texts, sequenceNumber / people, orders);
  }

  @Override
  public long person(long sequenceNumber) {
    return rounds.apply(sequenceNumber / people, sequenceNumber % people);
  }

  @Override
  public Map<Attribute, String> values(long person) {
    Map<Attribute, String> values = new EnumMap<>(Attribute.class);
    long name = names.apply(0, person);
    StringBuilder fullName = new StringBuilder();
    for (int part = 0; part < nameParts.length; part++) {
      fullName.append(nameParts[part].entries.get(nameIndex(name, part)));
    }
    values.put(Attribute.NAME, fullName.toString().strip());
    values.put(Attribute.GENDER, pronouns.entries.get(pronouns.index(person)).strip());
    for (Sentence sentence : sentences) {
      StringBuilder value = new StringBuilder();
      for (Pool pool : sentence.values) {
        value.append(pool.entries.get(pool.index(person)));
      }
      values.put(sentence.attribute, value.toString().strip());
    }
    return values;
  }

  @Override
  public Probe probe(long person, long draw) {
    return annotate(person, probes, draw, probeOrders);
  }

  private Probe annotate(long person, CounterRandom random, long draw, Sentence[][] choices) {
    List<Span> spans = new ArrayList<>();
    int[] tokens = new int[longestItem()];
    int length = write(person, random, draw, choices, tokens, 0,
        (part, attribute, start, end) -> spans.add(new Span(part, attribute, start, end)));
    return new Probe(Arrays.copyOf(tokens, length), List.copyOf(spans));
  }

  /**
   * Writes text number {@code draw} about a person. The hot path of training: a few draws and some thirty
   * short copies.
   *
   * @param random  where the order and the templates are drawn from
   * @param choices the orders to draw from
   * @param spans   positions count from {@code offset}
   * @return the number of tokens
   */
  private int write(long person, CounterRandom random, long draw, Sentence[][] choices, int[] target,
      int offset, SpanSink spans) {
    // One number for the order and one for each sentence's template.
    long counter = (draw * people + person) * (sentences.size() + 1);
    Sentence[] order = choices[random.below(choices.length, counter)];
    int at = offset;
    target[at++] = pieces.vocabulary().eos();
    for (int place = 0; place < order.length; place++) {
      int subject = at;
      if (place == 0) {
        long name = names.apply(0, person);
        for (int part = 0; part < nameParts.length; part++) {
          at = pieces.write(nameParts[part].pieces.first() + nameIndex(name, part), target, at);
        }
        spans.span(Part.NAME, Attribute.NAME, subject - offset, at - offset);
      } else {
        at = pieces.write(pronouns.pieces.first() + pronouns.index(person), target, at);
        if (place == 1) {
          spans.span(Part.VALUE, Attribute.GENDER, subject - offset, at - offset);
        }
      }
      Sentence sentence = order[place];
      int template = random.below(sentence.prefixes.size(), counter + 1 + place);
      at = pieces.write(sentence.prefixes.first() + template, target, at);
      for (Pool value : sentence.values) {
        int start = at + value.lead;
        at = pieces.write(value.pieces.first() + value.index(person), target, at);
        spans.span(Part.VALUE, sentence.attribute, start - offset, at - offset);
      }
      at = pieces.write(sentence.suffixes.first() + template, target, at);
    }
    return at - offset;
  }

  /** The index of a name's part in its pool; names are numbered with the last name running fastest. */
  private int nameIndex(long name, int part) {
    return (int) switch (part) {
      case 0 -> name / sizes.last() / sizes.middle();
      case 1 -> name / sizes.last() % sizes.middle();
      default -> name % sizes.last();
    };
  }

  /** Every kind of joint inside a sentence; sentences begin with a space, so between them nothing merges. */
  private int countMergingJoints(Pieces.Builder builder) {
    int joints = builder.merges(nameParts[0].pieces, nameParts[1].pieces)
        + builder.merges(nameParts[1].pieces, nameParts[2].pieces);
    for (Sentence sentence : sentences) {
      joints += builder.merges(nameParts[2].pieces, sentence.prefixes)
          + builder.merges(pronouns.pieces, sentence.prefixes);
      Pieces.Range left = sentence.prefixes;
      for (Pool value : sentence.values) {
        joints += builder.merges(left, value.pieces);
        left = value.pieces;
      }
      joints += builder.merges(left, sentence.suffixes);
    }
    return joints;
  }

  private CounterRandom random(Purpose purpose) {
    return new CounterRandom(seed).child(purpose.ordinal());
  }

  /** A pool of entries with a space in front of each. */
  private Pool words(Pieces.Builder builder, Purpose purpose, List<String> entries) {
    return pool(builder, purpose, entries.stream().map(entry -> " " + entry).toList(), 0);
  }

  private Pool pool(Pieces.Builder builder, Purpose purpose, List<String> entries, int lead) {
    return new Pool(random(purpose), entries, builder.add(entries), lead);
  }

  private static Sentence sentence(Pieces.Builder builder, Attribute attribute, List<Template> templates,
      Pool... values) {
    return new Sentence(attribute, builder.add(templates.stream().map(Template::prefix).toList()), values,
        builder.add(templates.stream().map(Template::suffix).toList()));
  }

  private static List<List<Sentence>> permutations(List<Sentence> sentences) {
    if (sentences.isEmpty()) {
      return List.of(List.of());
    }
    List<List<Sentence>> orders = new ArrayList<>();
    for (List<Sentence> rest : permutations(sentences.subList(1, sentences.size()))) {
      for (int place = 0; place <= rest.size(); place++) {
        List<Sentence> order = new ArrayList<>(rest);
        order.add(place, sentences.getFirst());
        orders.add(order);
      }
    }
    return orders;
  }

  private static Sentence[][] toArrays(List<List<Sentence>> orders) {
    return orders.stream().map(order -> order.toArray(Sentence[]::new)).toArray(Sentence[][]::new);
  }

  private static String sha256(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
