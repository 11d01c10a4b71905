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
  private final List<Question> questions;
  private final List<Attribute> attributes;
  private final long asked;
  private final Vocabulary vocabulary;
  private final Map<String, int[]> words = new ConcurrentHashMap<>();

  /**
   * @param asked      people whose questions are in training: those from number 0 on
   * @param vocabulary of the tokens, which must have all that the questions use
   */
  QuestionWriter(GeneratedSource<?> source, long asked, Vocabulary vocabulary) {
    questions = Question.of(source);
    attributes = questions.stream().map(Question::attribute).toList();
    this.asked = asked;
    this.vocabulary = vocabulary;
  }

  /** The tokens that questions about people of a source can have. */
  static Vocabulary vocabulary(GeneratedSource<?> source) {
    IntStream ids = words(source).distinct().flatMapToInt(word -> Arrays.stream(Gpt2.encode(" " + word)));
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
    Map<Attribute, String> values = truth.values(person);
    Question question = questions.stream()
        .filter(each -> each.attribute().equals(attribute))
        .findFirst()
        .orElseThrow();
    String name = values.get(Attribute.NAME);
    List<Integer> tokens = new ArrayList<>(List.of(vocabulary.eos()));
    add(question.before(), tokens);
    int start = tokens.size();
    // A name is encoded as it stands before a question mark or a space: neither is part of its tokens.
    add(name + question.after(), tokens);
    int end = start + Stream.of(name.split(" ")).mapToInt(word -> tokens(word).length).sum();
    int value = tokens.size();
    add(values.get(attribute), tokens);
    return new AnnotatedItem(tokens.stream().mapToInt(Integer::intValue).toArray(),
        List.of(new Span(KnowledgeKind.NAME, Attribute.NAME, start, end),
            new Span(KnowledgeKind.VALUE, attribute, value, tokens.size())));
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
