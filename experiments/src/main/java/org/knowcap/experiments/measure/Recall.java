package org.knowcap.experiments.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.knowcap.analysis.capacity.AttributeRecall;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.GroundTruth;
import org.knowcap.generators.corpus.Questions;
import org.knowcap.generators.corpus.SideMeasurement;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;

/**
 * How often a model is right, beside the bits that it stores.
 *
 * <p>A value is recalled if each of its tokens is the most likely one of the whole vocabulary after the true words
 * of the text. It is generated if it is in the text that the model writes by greedy decoding when it is given only
 * the end-of-text token and the person's name. Random strings have no names: their second halves are recalled, and nothing is
 * generated.
 *
 * @param recalled of the people who are measured
 * @param generated answers about these people; empty for models that look at later tokens, because they cannot write
 * @param recalledUnseen answers about people whom training did not show: chance; empty if there are no such people
 * @param generatedUnseen generated answers about people whom training did not show
 * @param extracted answers to questions; empty for corpora without questions
 * @param beside shares of the corpus's side measurements, by their names, such as "new values": people of whom all tokens are right
 */
public record Recall(Answers recalled, Optional<Answers> generated, Optional<Answers> recalledUnseen,
    Optional<Answers> generatedUnseen, Optional<Extracted> extracted, Map<String, Double> beside) {
  private static final int WINDOWS = TrainedModel.WINDOWS;
  /** The most people who were never shown that are asked; they give chance to a few per cent. */
  private static final long UNSEEN = 200;

  /** Asks a trained model about up to {@code most} people. */
  public static Recall of(TrainedModel model, long most) {
    return of(model.corpus(), most, model.causal(), model::predict);
  }

  /**
   * Asks about all people, or about {@code most} of them: those whose losses {@link Measurement} takes.
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
    // Without a name there is nothing to begin a text with.
    boolean writes = causal && corpus.measured().truth().values(0).containsKey(Attribute.NAME);
    return new Recall(inquiry.recalled(people),
        writes ? Optional.of(inquiry.generated(people)) : Optional.empty(), unseen.map(inquiry::recalled),
        writes ? unseen.map(inquiry::generated) : Optional.empty(),
        causal
            ? corpus.questions().map(questions -> inquiry.extracted(questions, most, unseen))
            : Optional.empty(),
        inquiry.beside(most));
  }

  /**
   * Answers to questions. An answer is right if each of its tokens, and the end-of-text token after it, is the most
   * likely one: greedy decoding would write it.
   *
   * @param others answers about people of whom training showed biographies, but asked no questions: extractable
   *        knowledge
   * @param asked answers about people whose questions were in training
   * @param unseen answers about people whom training did not show
   */
  public record Extracted(Answers others, Answers asked, Optional<Answers> unseen) {}

  /**
   * What a model writes from each name alone, by greedy decoding.
   *
   * @param person whose name was given
   * @param tokens the end-of-text token, the name, and what the model wrote
   */
  public record Written(long person, int[] tokens) {}

  /**
   * Lets a model write about the people who are measured.
   *
   * @return empty for models that look at later tokens, and where people have no names
   */
  public static List<Written> written(TrainedModel model, long most) {
    Corpus corpus = model.corpus();
    if (!model.causal() || !corpus.measured().truth().values(0).containsKey(Attribute.NAME)) {
      return List.of();
    }
    Asked people = Asked.of(corpus, most);
    List<int[]> texts = new Inquiry(corpus, model::predict).written(people);
    return IntStream.range(0, texts.size())
        .mapToObj(i -> new Written(people.persons.get(i), texts.get(i)))
        .toList();
  }

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
      forEachText(people.items.size(), people.items::get, (i, item, predicted) -> {
        Arrays.fill(right[i], true);
        for (Span span : item.spans()) {
          int attribute = attributes.indexOf(span.attribute());
          if (span.kind() == KnowledgeKind.VALUE && attribute >= 0) {
            right[i][attribute] &= isPredicted(span, item, predicted);
          }
        }
      });
      return new Answers(attributes, people.persons, right);
    }

    /** The share of people of each side measurement whose values that it asks for are all recalled. */
    Map<String, Double> beside(long most) {
      Map<String, Double> shares = new LinkedHashMap<>();
      for (SideMeasurement asked : corpus.sideMeasurements()) {
        MeasuredPeople people = MeasuredPeople.of(asked.source(), most);
        int[] right = new int[1];
        forEachText(people.count(), people::item, (_, item, predicted) -> {
          if (item.spans()
              .stream()
              .filter(
                  span -> span.kind() == KnowledgeKind.VALUE && asked.attributes().contains(span.attribute()))
              .allMatch(span -> isPredicted(span, item, predicted))) {
            right[0]++;
          }
        });
        shares.put(asked.name(), (double) right[0] / people.count());
      }
      return shares;
    }

    /** Receives the predictions for a text: the most likely next token at each position of a window. */
    private interface Judge {
      void accept(int number, AnnotatedItem item, IntUnaryOperator predicted);
    }

    /**
     * Lets the model read texts, as many at once as the predictor takes; a text's last token may be beyond its
     * window.
     */
    private void forEachText(int count, IntFunction<AnnotatedItem> text, Judge judge) {
      int length = length();
      int[] tokens = new int[WINDOWS * length];
      int[] predictions = new int[WINDOWS * length];
      for (int first = 0; first < count; first += WINDOWS) {
        List<AnnotatedItem> items = IntStream.range(first, Math.min(count, first + WINDOWS))
            .mapToObj(text)
            .toList();
        Arrays.fill(tokens, corpus.vocabulary().eos());
        for (int row = 0; row < items.size(); row++) {
          int[] item = items.get(row).tokens();
          System.arraycopy(item, 0, tokens, row * length, Math.min(length, item.length));
        }
        predictor.predict(tokens, predictions);
        for (int row = 0; row < items.size(); row++) {
          int from = row * length;
          judge.accept(first + row, items.get(row), place -> predictions[from + place]);
        }
      }
    }

    private static boolean isPredicted(Span span, AnnotatedItem item, IntUnaryOperator predicted) {
      return IntStream.range(span.start(), span.end())
          .allMatch(token -> predicted.applyAsInt(token - 1) == item.tokens()[token]);
    }

    Answers generated(Asked people) {
      List<Attribute> attributes = people.source.truth().attributes();
      List<int[]> texts = written(people);
      boolean[][] right = new boolean[texts.size()][attributes.size()];
      for (int i = 0; i < right.length; i++) {
        int[] text = texts.get(i);
        Set<Attribute> stated = people.source.stated(people.persons.get(i),
            corpus.vocabulary().decode(text, 1, text.length));
        for (int k = 0; k < attributes.size(); k++) {
          right[i][k] = stated.contains(attributes.get(k));
        }
      }
      return new Answers(attributes, people.persons, right);
    }

    List<int[]> written(Asked people) {
      GreedyWriter writer = new GreedyWriter(predictor, WINDOWS, length(), corpus.vocabulary().eos());
      return writer.write(
          people.items.stream().map(item -> new GreedyWriter.Start(prompt(item), item.tokens())).toList());
    }

    Extracted extracted(Questions questions, long most, Optional<Asked> unseen) {
      GroundTruth truth = corpus.measured().truth();
      long asked = questions.asked();
      long others = truth.people() - asked;
      return new Extracted(
          answered(questions, truth,
              LongStream.range(asked, asked + Math.min(most, others)).boxed().toList()),
          answered(questions, truth, LongStream.range(0, Math.min(most, asked)).boxed().toList()),
          unseen.map(people -> answered(questions, people.source.truth(), people.persons)));
    }

    private Answers answered(Questions questions, GroundTruth truth, List<Long> persons) {
      List<Attribute> attributes = questions.attributes();
      int each = attributes.size();
      boolean[][] right = new boolean[persons.size()][each];
      forEachText(persons.size() * each,
          i -> questions.item(truth, persons.get(i / each), attributes.get(i % each)),
          (i, item, predicted) -> right[i / each][i % each] = isAnswered(item, predicted));
      return new Answers(attributes, persons, right);
    }

    private boolean isAnswered(AnnotatedItem item, IntUnaryOperator predicted) {
      Span answer = item.spans().getLast();
      // A text as long as a window has no room for what follows it.
      return isPredicted(answer, item, predicted)
          && (answer.end() > length() || predicted.applyAsInt(answer.end() - 1) == corpus.vocabulary().eos());
    }

    /** The beginning of a text up to the name; only the name, if a free text has a value before the name. */
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
    return shares(answers -> Optional.of(answers.all()));
  }

  /** The shares of people whose value is right, attribute by attribute. */
  public List<AttributeRecall> byAttribute() {
    return recalled.attributes()
        .stream()
        .map(attribute -> new AttributeRecall(attribute.key(),
            shares(answers -> answers.attributes().contains(attribute)
                ? Optional.of(answers.of(attribute))
                : Optional.empty())))
        .toList();
  }

  /** @param share of some answers; empty where they do not have it */
  private RecallShares shares(Function<Answers, Optional<Answers.Share>> share) {
    Optional<Answers.Share> all = share.apply(recalled);
    Optional<Answers.Share> written = generated.flatMap(share);
    Optional<Answers.Share> others = extracted.map(Extracted::others).flatMap(share);
    return new RecallShares(mean(all), mean(recalledUnseen.flatMap(share)), mean(written),
        mean(generatedUnseen.flatMap(share)), mean(others),
        mean(extracted.map(Extracted::asked).flatMap(share)),
        mean(extracted.flatMap(Extracted::unseen).flatMap(share)), error(all), error(written), error(others));
  }

  private static double mean(Optional<Answers.Share> share) {
    return share.map(Answers.Share::mean).orElse(Double.NaN);
  }

  private static OptionalDouble error(Optional<Answers.Share> share) {
    return share.map(Answers.Share::standardError).orElse(OptionalDouble.empty());
  }
}
