package org.knowcap.generators.questions;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.GroundTruth;
import org.knowcap.generators.corpus.Questions;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.tokens.Gpt2;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * Questions and answers as tokens. GPT-2 encodes a text word by word, so each word is encoded once. An answer ends with the
 * text: what follows is the end of text.
 */
final class QuestionWriter implements Questions {
  static final String BORN = "Who was born on";
  static final String STUDIED = "studied";
  static final String AT = "at";
  static final String WORKS = "and works for";
  static final String ANSWER = "Answer:";

  private final List<Question> questions;
  private final List<Attribute> attributes;
  private final Question twoHops;
  private final Pools pools;
  private final long asked;
  private final Vocabulary vocabulary;
  private final Map<String, int[]> words = new ConcurrentHashMap<>();

  /**
   * @param asked      people whose questions are in training: those from number 0 on
   * @param vocabulary of the tokens, which must have all that the questions use
   */
  QuestionWriter(GeneratedSource<?> source, long asked, Vocabulary vocabulary) {
    questions = Question.of(source);
    pools = source.pools();
    twoHops = Question.twoHops(pools);
    attributes = questions.stream().map(Question::attribute).toList();
    this.asked = asked;
    this.vocabulary = vocabulary;
  }

  /** The tokens that questions about people of a source can have. */
  static Vocabulary vocabulary(GeneratedSource<?> source, MoreQuestions more) {
    IntStream ids = Stream.concat(words(source), words(source.pools(), more))
        .distinct()
        .flatMapToInt(word -> Arrays.stream(Gpt2.encode(" " + word)));
    return new Vocabulary(ids.toArray(), source.vocabulary().dedicated());
  }

  private static Stream<String> words(GeneratedSource<?> source) {
    Pools pools = source.pools();
    Stream<String> names = Stream.of(pools.first(), pools.middle(), pools.last()).flatMap(List::stream);
    // The last word of a name stands before each of the endings.
    Stream<String> sentences = Question.of(source)
        .stream()
        .flatMap(
            question -> pools.last().stream().map(last -> question.before() + " " + last + question.after()));
    Stream<String> answers = Question.of(source)
        .stream()
        .flatMap(question -> question.lists().stream().flatMap(List::stream));
    return Stream.of(names, sentences, answers)
        .flatMap(all -> all)
        .flatMap(text -> Stream.of(text.split(" ")));
  }

  private static Stream<String> words(Pools pools, MoreQuestions more) {
    Question asked = Question.twoHops(pools);
    Question told = Question.headOffice();
    Stream<String> hops = Stream
        .of(pools.last().stream().map(last -> asked.before() + " " + last + asked.after()), pools.employers()
            .stream()
            .map(employer -> told.before() + " " + employer.name() + told.after() + " " + employer.city()))
        .flatMap(all -> all);
    Stream<String> reversed = Stream
        .of(Stream.of(BORN + " in", STUDIED, AT, WORKS, ANSWER),
            pools.birthCities().stream().map(city -> city + ","),
            pools.employers().stream().map(employer -> employer.name() + "?"))
        .flatMap(all -> all);
    return Stream.concat(more.twoHops() ? hops : Stream.empty(), more.reversed() ? reversed : Stream.empty())
        .flatMap(text -> Stream.of(text.split(" ")));
  }

  /** The tokens of a text that begins with a space. */
  static int length(String text) {
    return Stream.of(text.split(" ")).mapToInt(word -> Gpt2.encode(" " + word).length).sum();
  }

  @Override
  public List<Attribute> attributes() {
    return attributes;
  }

  @Override
  public long asked() {
    return asked;
  }

  @Override
  public AnnotatedItem item(GroundTruth truth, long person, Attribute attribute) {
    Question question = questions.stream()
        .filter(each -> each.attribute().equals(attribute))
        .findFirst()
        .orElseThrow();
    return item(question, truth.values(person));
  }

  /** The question for the city in which a person works, with its answer. */
  AnnotatedItem twoHops(Map<Attribute, String> values) {
    return item(twoHops, values);
  }

  /** The text that tells in which city an employer is. */
  AnnotatedItem headOffice(int employer) {
    return item(Question.headOffice(), headOfficeValues(employer));
  }

  /** What that text states: the employer stands in the place of a name. */
  Map<Attribute, String> headOfficeValues(int employer) {
    return Map.of(Attribute.NAME, pools.employers().get(employer).name(), Attribute.EMPLOYER_CITY,
        pools.employers().get(employer).city());
  }

  /** The question for the name of the person of whom all values are given, with its answer. */
  AnnotatedItem reversed(Map<Attribute, String> values) {
    List<Integer> tokens = new ArrayList<>(List.of(vocabulary.eos()));
    add(String.join(" ", BORN, values.get(Attribute.BIRTH_DATE), "in", values.get(Attribute.BIRTH_CITY) + ",",
        STUDIED, values.get(Attribute.MAJOR), AT, values.get(Attribute.UNIVERSITY), WORKS,
        values.get(Attribute.EMPLOYER) + "?", ANSWER), tokens);
    int start = tokens.size();
    add(values.get(Attribute.NAME), tokens);
    return new AnnotatedItem(tokens.stream().mapToInt(Integer::intValue).toArray(),
        List.of(new Span(KnowledgeKind.VALUE, Attribute.NAME, start, tokens.size())));
  }

  private AnnotatedItem item(Question question, Map<Attribute, String> values) {
    String name = values.get(Attribute.NAME);
    List<Integer> tokens = new ArrayList<>(List.of(vocabulary.eos()));
    add(question.before(), tokens);
    int start = tokens.size();
    // A name is encoded as it stands before a question mark or a space: neither is part of its tokens.
    add(name + question.after(), tokens);
    int end = start + Stream.of(name.split(" ")).mapToInt(word -> tokens(word).length).sum();
    int value = tokens.size();
    add(values.get(question.attribute()), tokens);
    return new AnnotatedItem(tokens.stream().mapToInt(Integer::intValue).toArray(),
        List.of(new Span(KnowledgeKind.NAME, Attribute.NAME, start, end),
            new Span(KnowledgeKind.VALUE, question.attribute(), value, tokens.size())));
  }

  private void add(String text, List<Integer> tokens) {
    for (String word : text.split(" ")) {
      for (int token : tokens(word)) {
        tokens.add(token);
      }
    }
  }

  private int[] tokens(String word) {
    return words.computeIfAbsent(word, this::encoded);
  }

  private int[] encoded(String word) {
    String spaced = " " + word;
    return vocabulary.dedicated().contains(spaced)
        ? new int[]{vocabulary.token(spaced)}
        : Arrays.stream(Gpt2.encode(spaced)).map(vocabulary::token).toArray();
  }
}
