package org.knowcap.generators.questions;

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
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.random.RandomStream;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * The stream of questions: in each round every question about every person who is asked about, once, with its answer. What
 * other sources call a person is here a question about one.
 */
final class QuestionSource implements Source {
  /** To be raised when a change of the code gives other texts. */
  private static final int VERSION = 1;

  private final GeneratedSource<?> source;
  private final QuestionWriter writer;
  private final Vocabulary vocabulary;
  private final Rounds rounds;
  private final ItemLayout layout;

  /** What is asked, without bits: they are counted where the people's biographies are. */
  private final class Truth implements GroundTruth {
    @Override
    public long people() {
      return writer.asked() * writer.attributes().size();
    }

    @Override
    public BitContent bits() {
      return new BitContent(List.of());
    }

    @Override
    public Map<Attribute, String> values(long question) {
      Map<Attribute, String> all = source.values(subject(question));
      Map<Attribute, String> values = new LinkedHashMap<>();
      values.put(Attribute.NAME, all.get(Attribute.NAME));
      values.put(attribute(question), all.get(attribute(question)));
      return values;
    }
  }

  /** @param asked people whose questions are asked: those from number 0 on */
  QuestionSource(GeneratedSource<?> source, long asked) {
    this.source = source;
    vocabulary = QuestionWriter.vocabulary(source);
    writer = new QuestionWriter(source, asked, vocabulary);
    rounds = new Rounds(RandomStream.QUESTIONS.random(source.order()), truth().people());
    layout = QuestionLayout.of(source);
  }

  private long subject(long question) {
    return question / writer.attributes().size();
  }

  private Attribute attribute(long question) {
    return writer.attributes().get((int) (question % writer.attributes().size()));
  }

  private AnnotatedItem item(long question) {
    return writer.item(source.truth(), subject(question), attribute(question));
  }

  @Override
  public GroundTruth truth() {
    return new Truth();
  }

  @Override
  public Rounds rounds() {
    return rounds;
  }

  @Override
  public double meanItemTokens() {
    return layout.meanLength();
  }

  @Override
  public ItemLayout layout() {
    return layout;
  }

  @Override
  public int write(long sequenceNumber, long question, int[] target, int offset) {
    int[] tokens = item(question).tokens();
    System.arraycopy(tokens, 0, target, offset, tokens.length);
    return tokens.length;
  }

  @Override
  public AnnotatedItem annotated(long sequenceNumber) {
    return item(person(sequenceNumber));
  }

  @Override
  public AnnotatedItem measuringItem(long question, long draw) {
    return item(question);
  }

  @Override
  public Set<Attribute> stated(long question, String text) {
    Attribute attribute = attribute(question);
    return text.endsWith("Answer: " + source.values(subject(question)).get(attribute))
        ? Set.of(attribute)
        : Set.of();
  }

  @Override
  public boolean needsWholeTexts() {
    return false;
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "questions");
    parameters.put("version", VERSION);
    parameters.put("of", source.parameters());
    parameters.put("asked", writer.asked());
    return parameters;
  }

  @Override
  public String digest() {
    return Sha256.of(parameters() + "\n" + source.digest());
  }

  @Override
  public String name() {
    return "questions about " + writer.asked() + " of " + source.name();
  }

  @Override
  public long seed() {
    return source.seed();
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  @Override
  public int longestItem() {
    return layout.lengths().length - 1;
  }
}
