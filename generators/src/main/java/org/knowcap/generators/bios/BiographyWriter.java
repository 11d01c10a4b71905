package org.knowcap.generators.bios;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.knowcap.generators.bios.Facts.Fact;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.Attribute;
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
  private record Pool(Fact fact, List<String> entries, Pieces.Range pieces, int lead) {}

  /** An attribute's sentence: subject, a template's prefix, an entry of each pool, the template's suffix. */
  private record Sentence(Attribute attribute, Pieces.Range prefixes, Pool[] values, Pieces.Range suffixes) {}

  private final Names names;
  private final Pieces pieces;
  private final int mergingJoints;
  private final List<String> lists;
  private final Pool pronouns;
  private final List<Sentence> sentences;
  private final Sentence employer;
  private final Sentence employerCity;
  /** All 720 orders of the sentences, and the half of them that have the employer before its city. */
  private final Sentence[][] orders;
  private final Sentence[][] measuringOrders;

  BiographyWriter(long seed, Pools pools, Templates templates) {
    Pieces.Builder builder = new Pieces.Builder();
    names = new Names(seed, pools, builder);
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
    mergingJoints = countMergingJoints(builder);
    lists = builder.texts();

    List<List<Sentence>> all = permutations(sentences);
    orders = toArrays(all);
    measuringOrders = toArrays(
        all.stream().filter(order -> order.indexOf(employer) < order.indexOf(employerCity)).toList());
  }

  Names names() {
    return names;
  }

  Pieces pieces() {
    return pieces;
  }

  int mergingJoints() {
    return mergingJoints;
  }

  /** All texts that are tokenised. */
  List<String> lists() {
    return lists;
  }

  /** The number of templates of each attribute. */
  Map<String, Object> templateCounts() {
    Map<String, Object> counts = new LinkedHashMap<>();
    sentences.forEach(sentence -> counts.put(sentence.attribute.key(), sentence.prefixes.size()));
    return counts;
  }

  /** How many random numbers a text uses: one for the order and one for each sentence's template. */
  int draws() {
    return sentences.size() + 1;
  }

  /** The number of tokens of an item, given the number that each list contributes. */
  double tokens(ToDoubleFunction<Pieces.Range> length) {
    double tokens = 1 + (sentences.size() - 1) * length.applyAsDouble(pronouns.pieces);
    tokens += names.tokens(length);
    for (Sentence sentence : sentences) {
      tokens += length.applyAsDouble(sentence.prefixes) + length.applyAsDouble(sentence.suffixes);
      for (Pool value : sentence.values) {
        tokens += length.applyAsDouble(value.pieces);
      }
    }
    return tokens;
  }

  Map<Attribute, String> values(Facts facts, long individual) {
    Map<Attribute, String> values = new LinkedHashMap<>();
    values.put(Attribute.NAME, names.text(individual));
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
      int subject = at;
      if (place == 0) {
        at = names.write(individual, pieces, target, at);
        spans.span(KnowledgeKind.NAME, Attribute.NAME, subject - offset, at - offset);
      } else {
        at = pieces.write(pronouns.pieces.first() + facts.index(Fact.GENDER, individual), target, at);
        if (place == 1) {
          spans.span(KnowledgeKind.VALUE, Attribute.GENDER, subject - offset, at - offset);
        }
      }
      Sentence sentence = order[place];
      employerKnown |= sentence == employer;
      // A city in front of its employer states a part of the employer: together they state all of it, once.
      KnowledgeKind kind = sentence == employerCity && employerKnown
          ? KnowledgeKind.IMPLIED
          : KnowledgeKind.VALUE;
      int template = random.below(sentence.prefixes.size(), counter + 1 + place);
      at = pieces.write(sentence.prefixes.first() + template, target, at);
      for (Pool value : sentence.values) {
        int start = at + value.lead;
        at = pieces.write(value.pieces.first() + facts.index(value.fact, individual), target, at);
        spans.span(kind, sentence.attribute, start - offset, at - offset);
      }
      at = pieces.write(sentence.suffixes.first() + template, target, at);
    }
    return at - offset;
  }

  /** Checks every kind of joint inside a sentence. Sentences begin with a space, so nothing merges between them. */
  private int countMergingJoints(Pieces.Builder builder) {
    int joints = names.mergingJoints(builder);
    for (Sentence sentence : sentences) {
      joints += builder.merges(names.lastNames(), sentence.prefixes)
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

  private static Pool words(Pieces.Builder builder, Fact fact, List<String> entries) {
    return pool(builder, fact, Names.spaced(entries), 0);
  }

  private static Pool pool(Pieces.Builder builder, Fact fact, List<String> entries, int lead) {
    return new Pool(fact, entries, builder.add(entries), lead);
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
}
