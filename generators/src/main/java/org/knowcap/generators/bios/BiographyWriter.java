package org.knowcap.generators.bios;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import org.knowcap.generators.bios.Facts.Fact;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.corpus.SpanSink;
import org.knowcap.generators.people.Names;
import org.knowcap.generators.pools.Employer;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Template;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.tokens.Pieces;

/** Writes bioS's facts as texts, from lists and templates that are tokenised once. */
final class BiographyWriter {

  /**
   * A list that one fact about a person is drawn from.
   *
   * @param entries worded as in texts, with the space or comma that separates them from the word before
   * @param pieces  the entries' tokens
   * @param lead    number of tokens at an entry's start that state nothing: the comma of ", 1996"
   */
  record Pool(Fact fact, List<String> entries, Pieces.Range pieces, int lead) {}

  /**
   * An attribute's sentence: subject, a template's prefix, an entry of each pool, the template's suffix. GPT-2 may make
   * a token across the ends of a subject and of the last pool's entry.
   *
   * @param named      last names and prefixes
   * @param pronounced pronouns and prefixes
   * @param endings    the last pool's entries and suffixes
   */
  record Sentence(Attribute attribute, Pieces.Range prefixes, Pool[] values, Pieces.Range suffixes,
      Pieces.Seams named, Pieces.Seams pronounced, Pieces.Seams endings) {}

  private final Names names;
  private final Pieces pieces;
  private final List<String> lists;
  private final Statements statements;
  private final Pool pronouns;
  /** One for each attribute. */
  private final List<Sentence> sentences;
  /** Those that texts have. */
  private final List<Sentence> told;
  private final Sentence employer;
  private final Sentence employerCity;
  /** By whether the employer comes first. They take milliseconds, and a study asks for them at each of its runs. */
  private final Map<Boolean, ItemLayout> layouts = new ConcurrentHashMap<>();
  /** All orders of these sentences, and those that have the employer before its city: half of 720, if a sentence tells it. */
  private final Sentence[][] orders;
  private final Sentence[][] measuringOrders;

  BiographyWriter(Pools pools, Templates templates) {
    Pieces.Builder builder = new Pieces.Builder();
    names = new Names(pools, builder);
    pronouns = words(builder, Fact.GENDER, List.of("He", "She"));
    Pool months = words(builder, Fact.MONTH, pools.months());
    Pool days = words(builder, Fact.DAY, pools.days());
    Pool years = pool(builder, Fact.YEAR, pools.years().stream().map(year -> ", " + year).toList(), 1);
    Pool birthCities = words(builder, Fact.BIRTH_CITY, pools.birthCities());
    Pool universities = words(builder, Fact.UNIVERSITY, pools.universities());
    Pool majors = words(builder, Fact.MAJOR, pools.majors());
    Pool employers = words(builder, Fact.EMPLOYER, pools.employers().stream().map(Employer::name).toList());
    Pool employerCities = words(builder, Fact.EMPLOYER,
        pools.employers().stream().map(Employer::city).toList());
    employer = sentence(builder, Attribute.EMPLOYER, templates.employer(), employers);
    employerCity = sentence(builder, Attribute.EMPLOYER_CITY, templates.employerCity(), employerCities);
    sentences = List.of(sentence(builder, Attribute.BIRTH_DATE, templates.birthDate(), months, days, years),
        sentence(builder, Attribute.BIRTH_CITY, templates.birthCity(), birthCities),
        sentence(builder, Attribute.UNIVERSITY, templates.university(), universities),
        sentence(builder, Attribute.MAJOR, templates.major(), majors), employer, employerCity);
    pieces = builder.build(List.of());
    lists = builder.texts();
    statements = new Statements(templates);
    told = sentences;

    List<List<Sentence>> all = permutations(told);
    orders = toArrays(all);
    measuringOrders = toArrays(
        all.stream().filter(order -> order.indexOf(employer) < order.indexOf(employerCity)).toList());
  }

  private BiographyWriter(BiographyWriter other, List<Sentence> told) {
    names = other.names;
    pieces = other.pieces;
    lists = other.lists;
    statements = other.statements;
    pronouns = other.pronouns;
    sentences = other.sentences;
    employer = other.employer;
    employerCity = other.employerCity;
    this.told = told;
    orders = toArrays(permutations(told));
    measuringOrders = orders;
  }

  /** Texts that do not say in which city the employer is; the vocabulary stays the same. */
  BiographyWriter withoutEmployerCity() {
    return new BiographyWriter(this,
        sentences.stream().filter(sentence -> sentence != employerCity).toList());
  }

  /** Whether texts say in which city the employer is. */
  boolean tellsEmployerCity() {
    return told.contains(employerCity);
  }

  Pieces pieces() {
    return pieces;
  }

  /** All texts that are tokenised. */
  List<String> lists() {
    return lists;
  }

  Set<Attribute> stated(Facts facts, long individual, String text) {
    return statements.stated(text, values(facts, individual));
  }

  /** The number of templates of each attribute. */
  Map<String, Object> templateCounts() {
    Map<String, Object> counts = new LinkedHashMap<>();
    sentences.forEach(sentence -> counts.put(sentence.attribute.key(), sentence.prefixes.size()));
    return counts;
  }

  /** How many random numbers a text uses: one for the order and one for each sentence's template. */
  int draws() {
    return told.size() + 1;
  }

  /**
   * The expected number of tokens of an item.
   *
   * @param ordered whether the employer comes before its city
   */
  double meanTokens(boolean ordered) {
    double tokens = tokens(pieces::meanLength);
    Sentence[][] choices = ordered ? measuringOrders : orders;
    for (Sentence sentence : told) {
      double first = Arrays.stream(choices).filter(order -> order[0] == sentence).count()
          / (double) choices.length;
      tokens += first * pieces.meanExcess(sentence.named)
          + (1 - first) * pieces.meanExcess(sentence.pronounced) + pieces.meanExcess(sentence.endings);
    }
    return tokens;
  }

  /**
   * How long items are and where they have values.
   *
   * @param ordered whether the employer comes before its city
   */
  ItemLayout layout(boolean ordered) {
    return layouts.computeIfAbsent(ordered, this::computeLayout);
  }

  private ItemLayout computeLayout(boolean ordered) {
    return new BiographyLayout(pieces, employer, employerCity).of(ordered ? measuringOrders : orders,
        names.givenLengths(pieces), names.lastNames().size(), pronouns.entries.size());
  }

  /** An upper bound on the number of tokens of an item. */
  int longest() {
    int tokens = (int) tokens(pieces::maxLength);
    for (Sentence sentence : told) {
      tokens += Math.max(pieces.maxExcess(sentence.named), pieces.maxExcess(sentence.pronounced))
          + pieces.maxExcess(sentence.endings);
    }
    return tokens;
  }

  /** The number of tokens of all pieces of an item, given the number that each list contributes. */
  private double tokens(ToDoubleFunction<Pieces.Range> length) {
    double tokens = 1 + (told.size() - 1) * length.applyAsDouble(pronouns.pieces);
    tokens += names.tokens(length);
    for (Sentence sentence : told) {
      tokens += length.applyAsDouble(sentence.prefixes) + length.applyAsDouble(sentence.suffixes);
      for (Pool value : sentence.values) {
        tokens += length.applyAsDouble(value.pieces);
      }
    }
    return tokens;
  }

  Map<Attribute, String> values(Facts facts, long individual) {
    Map<Attribute, String> values = new LinkedHashMap<>();
    values.put(Attribute.NAME, names.text(facts.name(individual)));
    for (Sentence sentence : sentences) {
      if (sentence == employerCity) {
        values.put(Attribute.GENDER, pronouns.entries.get(facts.index(Fact.GENDER, individual)).strip());
      }
      StringBuilder value = new StringBuilder();
      for (Pool pool : sentence.values) {
        value.append(pool.entries.get(facts.index(pool.fact, individual)));
      }
      values.put(sentence.attribute, value.toString().strip());
    }
    return values;
  }

  /**
   * Writes an item. This is the hot path of training: a few draws and some thirty short copies.
   *
   * @param random  the order and the templates are drawn from it
   * @param counter of the first of {@link #draws()} random numbers
   * @param ordered whether the employer must come before its city
   * @param spans   receives positions that count from {@code offset}
   * @return the number of tokens
   */
  int write(Facts facts, long individual, CounterRandom random, long counter, boolean ordered, int[] target,
      int offset, SpanSink spans) {
    Sentence[][] choices = ordered ? measuringOrders : orders;
    Sentence[] order = choices[random.below(choices.length, counter)];
    boolean employerKnown = false;
    int at = offset;
    target[at++] = pieces.vocabulary().eos();
    for (int place = 0; place < order.length; place++) {
      Sentence sentence = order[place];
      int template = random.below(sentence.prefixes.size(), counter + 1 + place);
      int subject = at;
      if (place == 0) {
        long name = facts.name(individual);
        at = names.writeGiven(name, pieces, target, at);
        int last = names.last(name);
        int end = at + pieces.leftTokens(sentence.named, last, template);
        spans.span(KnowledgeKind.NAME, Attribute.NAME, subject - offset, end - offset);
        at = pieces.write(sentence.named, last, template, target, at);
      } else {
        int pronoun = facts.index(Fact.GENDER, individual);
        if (place == 1) {
          int end = at + pieces.leftTokens(sentence.pronounced, pronoun, template);
          spans.span(KnowledgeKind.VALUE, Attribute.GENDER, subject - offset, end - offset);
        }
        at = pieces.write(sentence.pronounced, pronoun, template, target, at);
      }
      employerKnown |= sentence == employer;
      // A city in front of its employer states a part of the employer: together they state all of it, once.
      KnowledgeKind kind = sentence == employerCity && employerKnown
          ? KnowledgeKind.IMPLIED
          : KnowledgeKind.VALUE;
      Pool[] values = sentence.values;
      for (int part = 0; part < values.length - 1; part++) {
        int start = at + values[part].lead;
        at = pieces.write(values[part].pieces.first() + facts.index(values[part].fact, individual), target,
            at);
        spans.span(kind, sentence.attribute, start - offset, at - offset);
      }
      Pool value = values[values.length - 1];
      int entry = facts.index(value.fact, individual);
      int end = at + pieces.leftTokens(sentence.endings, entry, template);
      spans.span(kind, sentence.attribute, at + value.lead - offset, end - offset);
      at = pieces.write(sentence.endings, entry, template, target, at);
    }
    return at - offset;
  }

  private static Pool words(Pieces.Builder builder, Fact fact, List<String> entries) {
    return pool(builder, fact, Names.spaced(entries), 0);
  }

  private static Pool pool(Pieces.Builder builder, Fact fact, List<String> entries, int lead) {
    return new Pool(fact, entries, builder.add(entries), lead);
  }

  private Sentence sentence(Pieces.Builder builder, Attribute attribute, List<Template> templates,
      Pool... values) {
    Pieces.Range prefixes = builder.add(templates.stream().map(Template::prefix).toList());
    Pieces.Range suffixes = builder.add(templates.stream().map(Template::suffix).toList());
    return new Sentence(attribute, prefixes, values, suffixes, builder.seams(names.lastNames(), prefixes),
        builder.seams(pronouns.pieces, prefixes), builder.seams(values[values.length - 1].pieces, suffixes));
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
}
