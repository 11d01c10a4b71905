package org.knowcap.experiments.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;
import org.knowcap.analysis.capacity.AttributeRecall;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.analysis.capacity.SampleSummary;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.GroundTruth;
import org.knowcap.generators.corpus.Questions;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;

/**
 * What a model says right, beside the bits that it stores.
 *
 * <p>A value is recalled if each of its tokens is the most likely one of the whole vocabulary behind the text's true words
 * before it. It is generated if the text that the model writes by itself, its most likely token each time, from the end of
 * text and the person's name alone, states it.
 *
 * @param recalled of the people who are measured
 * @param generated of them; empty of models that look at later tokens, which cannot write
 * @param recalledUnseen of people like them whom training did not show: chance; empty where there are none
 * @param generatedUnseen of those
 * @param extracted answers to questions; empty of corpora without
 */
public record Recall(Answers recalled, Optional<Answers> generated, Optional<Answers> recalledUnseen,
    Optional<Answers> generatedUnseen, Optional<Extracted> extracted) {
  /** People scored at once. */
  private static final int WINDOWS = 16;
  /** Unseen people say what chance is: a share of theirs is right to a few in a hundred. */
  private static final long UNSEEN = 200;

  /** Asks a trained model about up to {@code most} people, in fp32. */
  public static Recall of(Engine engine, int threads, ModelSpec model, float[] parameters, Corpus corpus,
      long most) {
    int length = corpus.longestItem() - 1;
    Program program = Program.scoring(model, RunSpec.ids(corpus), WINDOWS, length);
    float[] losses = new float[WINDOWS * length];
    try (Session session = engine.compile(program, new Execution(threads, Precision.FP32))) {
      session.load(Map.of(Session.PARAMETERS, parameters));
      return of(corpus, most, model.causal(),
          (tokens, predictions) -> session.score(tokens, tokens, losses, predictions));
    }
  }

  /**
   * Asks about all people, or {@code most} of them, those whose losses {@link Measurement} takes.
   *
   * @param causal whether predictions depend on no later token
   * @param predictor of batches of 16 windows, each as long as the corpus's longest item less one token
   */
  public static Recall of(Corpus corpus, long most, boolean causal, Predictor predictor) {
    Asked people = Asked.of(corpus, most);
    Optional<Asked> unseen = corpus.strangers(Math.min(UNSEEN, people.items.size()))
        .filter(source -> source.people() > 1)
        .map(Asked::of);
    Inquiry inquiry = new Inquiry(corpus, predictor);
    return new Recall(inquiry.recalled(people),
        causal ? Optional.of(inquiry.generated(people)) : Optional.empty(), unseen.map(inquiry::recalled),
        causal ? unseen.map(inquiry::generated) : Optional.empty(),
        causal
            ? corpus.questions().map(questions -> inquiry.extracted(questions, most, unseen))
            : Optional.empty());
  }

  /**
   * Answers to questions. An answer is right if each of its tokens, and the end of text behind it, is the most likely one:
   * the model, asked, would write it.
   *
   * @param others people whom training told of, but asked nothing about: what they know can be extracted
   * @param asked people whose questions were in training
   * @param unseen people whom training did not show
   */
  public record Extracted(Answers others, Answers asked, Optional<Answers> unseen) {}

  /** People, and a text about each. */
  private record Asked(Source source, List<Long> persons, List<AnnotatedItem> items) {
    static Asked of(Corpus corpus, long most) {
      MeasuredPeople people = MeasuredPeople.of(corpus, most);
      List<AnnotatedItem> items = new ArrayList<>();
      for (int i = 0; i < people.count(); i++) {
        items.add(people.item(i));
      }
      return new Asked(corpus.measured(),
          LongStream.range(0, people.count()).map(people::person).boxed().toList(), items);
    }

    static Asked of(Source strangers) {
      List<Long> persons = LongStream.range(0, strangers.people()).boxed().toList();
      return new Asked(strangers, persons,
          persons.stream().map(person -> strangers.measuringItem(person, 0)).toList());
    }
  }

  /** Asks one model. */
  private record Inquiry(Corpus corpus, Predictor predictor) {
    private int length() {
      return corpus.longestItem() - 1;
    }

    Answers recalled(Asked people) {
      List<Attribute> attributes = people.source.truth().attributes();
      boolean[][] right = new boolean[people.items.size()][attributes.size()];
      int length = length();
      int[] tokens = new int[WINDOWS * length];
      int[] predictions = new int[WINDOWS * length];
      for (int first = 0; first < right.length; first += WINDOWS) {
        int count = Math.min(WINDOWS, right.length - first);
        Arrays.fill(tokens, corpus.vocabulary().eos());
        for (int row = 0; row < count; row++) {
          int[] item = people.items.get(first + row).tokens();
          System.arraycopy(item, 0, tokens, row * length, item.length - 1);
        }
        predictor.predict(tokens, predictions);
        for (int row = 0; row < count; row++) {
          AnnotatedItem item = people.items.get(first + row);
          Arrays.fill(right[first + row], true);
          for (Span span : item.spans()) {
            int attribute = attributes.indexOf(span.attribute());
            if (span.kind() == KnowledgeKind.VALUE && attribute >= 0) {
              for (int token = span.start(); token < span.end(); token++) {
                right[first + row][attribute] &= predictions[row * length + token - 1] == item
                    .tokens()[token];
              }
            }
          }
        }
      }
      return new Answers(attributes, people.persons, right, people.source.people());
    }

    Answers generated(Asked people) {
      List<Attribute> attributes = people.source.truth().attributes();
      GreedyWriter writer = new GreedyWriter(predictor, WINDOWS, length(), corpus.vocabulary().eos());
      List<int[]> texts = writer.write(
          people.items.stream().map(item -> new GreedyWriter.Start(prompt(item), item.tokens())).toList());
      boolean[][] right = new boolean[texts.size()][attributes.size()];
      for (int i = 0; i < right.length; i++) {
        int[] text = texts.get(i);
        Set<Attribute> stated = people.source.stated(people.persons.get(i),
            corpus.vocabulary().decode(text, 1, text.length));
        for (int k = 0; k < attributes.size(); k++) {
          right[i][k] = stated.contains(attributes.get(k));
        }
      }
      return new Answers(attributes, people.persons, right, people.source.people());
    }

    Extracted extracted(Questions questions, long most, Optional<Asked> unseen) {
      GroundTruth truth = corpus.measured().truth();
      long asked = questions.asked();
      long others = truth.people() - asked;
      return new Extracted(
          answered(questions, truth, LongStream.range(asked, asked + Math.min(most, others)).boxed().toList(),
              others),
          answered(questions, truth, LongStream.range(0, Math.min(most, asked)).boxed().toList(), asked),
          unseen.map(
              people -> answered(questions, people.source.truth(), people.persons, people.persons.size())));
    }

    private Answers answered(Questions questions, GroundTruth truth, List<Long> persons, long population) {
      List<Attribute> attributes = questions.attributes();
      boolean[][] right = new boolean[persons.size()][attributes.size()];
      int length = length();
      int[] tokens = new int[WINDOWS * length];
      int[] predictions = new int[WINDOWS * length];
      int all = persons.size() * attributes.size();
      for (int first = 0; first < all; first += WINDOWS) {
        List<AnnotatedItem> items = new ArrayList<>();
        Arrays.fill(tokens, corpus.vocabulary().eos());
        for (int i = first; i < Math.min(all, first + WINDOWS); i++) {
          AnnotatedItem item = questions.item(truth, persons.get(i / attributes.size()),
              attributes.get(i % attributes.size()));
          int seen = Math.min(length, item.tokens().length);
          System.arraycopy(item.tokens(), 0, tokens, (i - first) * length, seen);
          items.add(item);
        }
        predictor.predict(tokens, predictions);
        for (int row = 0; row < items.size(); row++) {
          int i = first + row;
          right[i / attributes.size()][i % attributes.size()] = isAnswered(items.get(row), predictions,
              row * length);
        }
      }
      return new Answers(attributes, persons, right, population);
    }

    private boolean isAnswered(AnnotatedItem item, int[] predictions, int from) {
      Span answer = item.spans().getLast();
      for (int token = answer.start(); token < answer.end(); token++) {
        if (predictions[from + token - 1] != item.tokens()[token]) {
          return false;
        }
      }
      // A text as long as a window has no room for what follows it.
      return answer.end() > length() || predictions[from + answer.end() - 1] == corpus.vocabulary().eos();
    }

    /** What the text begins with, up to the name; of a free text that says a value before the name, the name alone. */
    private static int[] prompt(AnnotatedItem item) {
      List<Span> name = item.spans().stream().filter(span -> span.kind() == KnowledgeKind.NAME).toList();
      int start = name.stream().mapToInt(Span::start).min().orElseThrow();
      int end = name.stream().mapToInt(Span::end).max().orElseThrow();
      if (item.spans().stream().noneMatch(span -> span.kind() == KnowledgeKind.VALUE && span.start() < end)) {
        return Arrays.copyOf(item.tokens(), end);
      }
      int[] prompt = new int[1 + end - start];
      prompt[0] = item.tokens()[0];
      System.arraycopy(item.tokens(), start, prompt, 1, end - start);
      return prompt;
    }
  }

  /** The shares of people whose values are all right. */
  public RecallShares shares() {
    return new RecallShares(recalled.all().mean(), mean(recalledUnseen), mean(generated),
        mean(generatedUnseen), mean(extracted.map(Extracted::others)), mean(extracted.map(Extracted::asked)),
        mean(extracted.flatMap(Extracted::unseen)));
  }

  private static double mean(Optional<Answers> answers) {
    return answers.map(Answers::all).map(SampleSummary::mean).orElse(Double.NaN);
  }

  /** The shares of people whose value is right, attribute by attribute. */
  public List<AttributeRecall> byAttribute() {
    return recalled.attributes()
        .stream()
        .map(attribute -> new AttributeRecall(attribute.key(),
            new RecallShares(recalled.of(attribute).mean(), mean(recalledUnseen, attribute),
                mean(generated, attribute), mean(generatedUnseen, attribute),
                mean(extracted.map(Extracted::others), attribute),
                mean(extracted.map(Extracted::asked), attribute),
                mean(extracted.flatMap(Extracted::unseen), attribute))))
        .toList();
  }

  private static double mean(Optional<Answers> answers, Attribute attribute) {
    return answers.filter(each -> each.attributes().contains(attribute))
        .map(each -> each.of(attribute).mean())
        .orElse(Double.NaN);
  }
}
