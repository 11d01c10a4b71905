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
 * The stream of questions: in each round every question about every person who is asked about, once, with its answer, and for {@link
 * MoreQuestions two hops} each employer's city. What other sources call a person is here a question about one, or an employer.
 */
final class QuestionSource implements Source {
  /** To be raised when a change of the code gives other texts. */
  private static final int VERSION = 1;

  private final GeneratedSource<?> source;
  private final MoreQuestions more;
  private final QuestionWriter writer;
  /** How many questions there are about a person. */
  private final int kinds;
  private final Vocabulary vocabulary;
  private final Rounds rounds;
  private final ItemLayout layout;

  /** What is asked, without bits: they are counted where the people's biographies are. */
  private final class Truth implements GroundTruth {
    @Override
    public long people() {
      return kinds * writer.asked() + (more.twoHops() ? source.pools().employers().size() : 0);
    }

    @Override
    public BitContent bits() {
      return new BitContent(List.of());
    }

    @Override
    public Map<Attribute, String> values(long question) {
      if (isEmployer(question)) {
        return writer.headOfficeValues(employer(question));
      }
      Map<Attribute, String> all = source.values(question / kinds);
      Map<Attribute, String> values = new LinkedHashMap<>();
      values.put(Attribute.NAME, all.get(Attribute.NAME));
      values.put(attribute(question), all.get(attribute(question)));
      return values;
    }
  }

  /** @param asked people whose questions are asked: those from number 0 on */
  QuestionSource(GeneratedSource<?> source, long asked, MoreQuestions more) {
    this.source = source;
    this.more = more;
    vocabulary = QuestionWriter.vocabulary(source, more);
    writer = new QuestionWriter(source, asked, vocabulary);
    kinds = writer.attributes().size() + (more.twoHops() ? 1 : 0) + (more.reversed() ? 1 : 0);
    rounds = new Rounds(RandomStream.QUESTIONS.random(source.order()), truth().people());
    layout = QuestionLayout.of(source, asked, more);
  }

  /** What is asked: one of the attributes, the employer's city, or the name. */
  private Attribute attribute(long question) {
    int kind = (int) (question % kinds);
    return kind < writer.attributes().size()
        ? writer.attributes().get(kind)
        : more.twoHops() && kind == writer.attributes().size() ? Attribute.EMPLOYER_CITY : Attribute.NAME;
  }

  private boolean isEmployer(long question) {
    return question >= kinds * writer.asked();
  }

  private int employer(long question) {
    return (int) (question - kinds * writer.asked());
  }

  private AnnotatedItem item(long question) {
    if (isEmployer(question)) {
      return writer.headOffice(employer(question));
    }
    long subject = question / kinds;
    Attribute attribute = attribute(question);
    return attribute.equals(Attribute.EMPLOYER_CITY)
        ? writer.twoHops(source.values(subject))
        : attribute.equals(Attribute.NAME)
            ? writer.reversed(source.values(subject))
            : writer.item(source.truth(), subject, attribute);
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
    Attribute attribute = isEmployer(question) ? Attribute.EMPLOYER_CITY : attribute(question);
    String lead = isEmployer(question) ? "is in " : "Answer: ";
    return text.endsWith(lead + values(question).get(attribute)) ? Set.of(attribute) : Set.of();
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
    more.describe(parameters);
    return parameters;
  }

  @Override
  public String digest() {
    return Sha256.of(parameters() + "\n" + source.digest());
  }

  @Override
  public String name() {
    return "questions about " + writer.asked() + " of " + source.name() + more.words();
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
