package org.knowcap.experiments.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.capacity.Knowledge;
import org.knowcap.analysis.capacity.Memorisation;
import org.knowcap.analysis.capacity.SampleSummary;
import org.knowcap.analysis.results.Frequencies;
import org.knowcap.analysis.results.FrequencyBucket;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Exposure;
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.corpus.SideMeasurement;
import org.knowcap.generators.corpus.Span;

/**
 * Takes the losses of people's names and values (paper, section 2): each person alone, as EOS and one biography with
 * the name first and the employer before its city, in fp32. A loss is the sum over the knowledge tokens, in nats;
 * template tokens do not count.
 *
 * @param knowledge the parts of the knowledge in the corpus
 * @param people N
 * @param losses [part][person measured]: mean loss of one item of the part. For bioS this is p1 of the name, and p2
 *        of birth date, birth city, university, major, employer and gender together. For bioD it is p1, p2 of one
 *        attribute, and p3 of one value's first chunk
 * @param again [part][person]: losses of the first of these people in a second text each, which give the error of
 *        measuring a person in only one text
 * @param answers results of the corpus's side measurements, such as old and new values of revised people
 * @param unseen losses of random strings that training never showed; empty for corpora that are not of random strings
 */
public record Measurement(List<KnowledgePart> knowledge, long people, double[][] losses, double[][] again,
    List<Knowledge> answers, double[] unseen) {
  /** People who are measured in a second text. */
  private static final int AGAIN = 256;
  /** The most strings never shown that are measured. */
  private static final long UNSEEN = 1000;
  private static final int WINDOWS = TrainedModel.WINDOWS;

  /** Anything that gives each token's loss: a session, or a stand-in of known losses. */
  public interface Scorer {
    /**
     * @param tokens [windows * length]
     * @param targets [windows * length]
     * @param losses -ln p of each target, in nats
     */
    void losses(int[] tokens, int[] targets, float[] losses);
  }

  /** Measures a trained model on up to {@code most} people. */
  public static Measurement of(TrainedModel model, long most) {
    return of(model.corpus(), most, model::losses);
  }

  /**
   * Measures all people, or {@code most} of them drawn by the corpus's seed, and some of them in a second text.
   *
   * @param scorer of batches of 16 windows, each as long as the corpus's longest item less one token
   */
  public static Measurement of(Corpus corpus, long most, Scorer scorer) {
    return of(corpus, most, 0, scorer);
  }

  /** @param rendering number of the texts that people are measured in; those after them are the second ones */
  static Measurement of(Corpus corpus, long most, int rendering, Scorer scorer) {
    List<KnowledgePart> knowledge = corpus.measured().bits().parts();
    return new Measurement(knowledge, corpus.measured().people(),
        losses(knowledge, corpus, most, rendering, scorer),
        losses(knowledge, corpus, Math.min(most, AGAIN), rendering + 1, scorer),
        corpus.sideMeasurements()
            .stream()
            .map(question -> answer(question, most, rendering, scorer))
            .toList(),
        named(knowledge)
            ? new double[0]
            : losses(knowledge, corpus.strangers(Math.min(most, UNSEEN)).orElseThrow(), most, rendering,
                scorer)[0]);
  }

  private static boolean named(List<KnowledgePart> knowledge) {
    return knowledge.stream().anyMatch(part -> part.kind() == KnowledgeKind.NAME);
  }

  /** [part][person]: mean loss of a piece of the part. */
  private static double[][] losses(List<KnowledgePart> knowledge, Corpus corpus, long most, int rendering,
      Scorer scorer) {
    Map<KnowledgeKind, double[]> sums = new EnumMap<>(KnowledgeKind.class);
    knowledge.forEach(part -> sums.put(part.kind(), new double[people(corpus, most)]));
    forEachSpan(corpus, most, rendering, scorer, (person, span, loss) -> {
      if (sums.containsKey(span.kind())) {
        sums.get(span.kind())[person] += loss;
      }
    });
    return knowledge.stream()
        .map(part -> DoubleStream.of(sums.get(part.kind())).map(sum -> sum / part.perItem()).toArray())
        .toArray(double[][]::new);
  }

  /**
   * The losses of each person's name and values, in nats, in the order in which people are measured. The loss of an
   * employer's city that counts is a part of the employer's.
   */
  static List<Map<Attribute, Double>> attributeLosses(Corpus corpus, long most, Scorer scorer) {
    List<Map<Attribute, Double>> losses = new ArrayList<>();
    forEachSpan(corpus, most, 0, scorer, (person, span, loss) -> {
      if (person == losses.size()) {
        losses.add(new LinkedHashMap<>());
      }
      if (span.kind() == KnowledgeKind.NAME || span.kind() == KnowledgeKind.VALUE) {
        Attribute attribute = span.attribute().equals(Attribute.EMPLOYER_CITY)
            ? Attribute.EMPLOYER
            : span.attribute();
        losses.get(person).merge(attribute, loss, Double::sum);
      }
    });
    return losses;
  }

  /** The loss of the values of each person together, in nats, by the person's number: of all people, whoever else is measured. */
  public static List<Double> valueLosses(TrainedModel model) {
    return valueLosses(model.corpus(), model::losses);
  }

  /** Takes the losses of any scorer, see {@link #of(Corpus, long, Scorer)}. */
  static List<Double> valueLosses(Corpus corpus, Scorer scorer) {
    double[] losses = new double[people(corpus, Integer.MAX_VALUE)];
    MeasuredPeople measured = MeasuredPeople.of(corpus, losses.length);
    forEachSpan(corpus, losses.length, 0, scorer, (number, span, loss) -> {
      if (span.kind() == KnowledgeKind.VALUE) {
        losses[(int) measured.person(number)] += loss;
      }
    });
    return DoubleStream.of(losses).boxed().toList();
  }

  private static Knowledge answer(SideMeasurement question, long most, int rendering, Scorer scorer) {
    long people = question.source().people();
    SampleSummary summary = SampleSummary.of(losses(question, most, rendering, scorer),
        losses(question, Math.min(most, AGAIN), rendering + 1, scorer), people);
    return new Knowledge(question.name(), people, question.uniformBits(), question.uniformBits(),
        summary.mean(), summary.standardError());
  }

  private static double[] losses(SideMeasurement question, long most, int rendering, Scorer scorer) {
    double[] losses = new double[people(question.source(), most)];
    forEachSpan(question.source(), most, rendering, scorer, (person, span, loss) -> {
      if (span.kind() == KnowledgeKind.VALUE && question.attributes().contains(span.attribute())) {
        losses[person] += loss;
      }
    });
    return losses;
  }

  private static int people(Corpus corpus, long most) {
    return (int) Math.min(most, corpus.measured().people());
  }

  /** Takes the loss of a span, in nats; people are numbered as they are measured. */
  private interface SpanLoss {
    void accept(int person, Span span, double loss);
  }

  private static void forEachSpan(Corpus corpus, long most, int rendering, Scorer scorer, SpanLoss consumer) {
    int length = corpus.longestItem() - 1;
    MeasuredPeople measured = MeasuredPeople.of(corpus, most);
    int people = measured.count();
    int[] tokens = new int[WINDOWS * length];
    int[] targets = new int[WINDOWS * length];
    float[] losses = new float[WINDOWS * length];
    for (int first = 0; first < people; first += WINDOWS) {
      int count = Math.min(WINDOWS, people - first);
      AnnotatedItem[] texts = new AnnotatedItem[count];
      Arrays.fill(tokens, corpus.vocabulary().eos());
      Arrays.fill(targets, corpus.vocabulary().eos());
      for (int row = 0; row < count; row++) {
        texts[row] = measured.item(first + row, rendering);
        int[] item = texts[row].tokens();
        System.arraycopy(item, 0, tokens, row * length, item.length - 1);
        System.arraycopy(item, 1, targets, row * length, item.length - 1);
      }
      scorer.losses(tokens, targets, losses);
      for (int row = 0; row < count; row++) {
        for (Span span : texts[row].spans()) {
          double loss = 0;
          for (int token = span.start(); token < span.end(); token++) {
            loss += losses[row * length + token - 1];
          }
          consumer.accept(first + row, span, loss);
        }
      }
    }
  }

  /** Whether the texts are about people with names; otherwise they are random strings. */
  public boolean named() {
    return named(knowledge);
  }

  /**
   * What a model of so many parameters memorises of random strings; {@link Memorisation#NONE} of other corpora.
   */
  public Memorisation memorisation(long parameters) {
    return named()
        ? Memorisation.NONE
        : Memorisation.of(losses(KnowledgeKind.VALUE), unseen, people,
            knowledge.get(index(KnowledgeKind.VALUE)).uniformBits(), parameters);
  }

  /** What the values of an item of their part cost if they are guessed uniformly, nats: p2 of a model that knows nobody. */
  public double uniformValueNats() {
    return knowledge.get(index(KnowledgeKind.VALUE)).uniformBits() * Math.log(2);
  }

  /** The losses of a part. */
  public double[] losses(KnowledgeKind part) {
    return losses[index(part)];
  }

  private int index(KnowledgeKind part) {
    return IntStream.range(0, losses.length)
        .filter(i -> knowledge.get(i).kind() == part)
        .findFirst()
        .orElseThrow();
  }

  /** Summary over people of the losses of a part. */
  public SampleSummary summary(KnowledgeKind part) {
    return SampleSummary.of(losses(part), again[index(part)], people);
  }

  /** The bits of each part, and how many of them the model stores. */
  public List<Knowledge> parts() {
    return knowledge.stream().map(part -> {
      SampleSummary loss = summary(part.kind());
      return new Knowledge(part.name(), part.count(), part.uniformBits(), part.maxBits(), loss.mean(),
          loss.standardError());
    }).toList();
  }

  /** People of about equal exposures, while they are counted. */
  private static final class Tally {
    private long people;
    private long measured;
    private double exposures;
    private double least = Double.MAX_VALUE;
    private double share;
    private double measuredShare;
    private double nameLoss;
    private double valueLoss;
    private double weightedValueLoss;

    void add(Tally other) {
      people += other.people;
      measured += other.measured;
      exposures += other.exposures;
      least = Math.min(least, other.least);
      share += other.share;
      measuredShare += other.measuredShare;
      nameLoss += other.nameLoss;
      valueLoss += other.valueLoss;
      weightedValueLoss += other.weightedValueLoss;
    }

    /** @param from least expected exposures */
    FrequencyBucket bucket(double from, double valueBits) {
      double loss = valueLoss / measured;
      return new FrequencyBucket(from, people, measured, exposures / people, share, nameLoss / measured, loss,
          measuredShare > 0 ? weightedValueLoss / measuredShare : loss, valueBits,
          valueBits - loss / Math.log(2));
    }
  }

  /**
   * What is learnt of people by how often they are expected in training, where the corpus has an {@link Exposure}: by its groups or
   * cohorts in their order; by Zipf's law in buckets of exposures from a power of two to the next. A bucket of whom nobody is
   * measured is joined to the next one, the last ones to the one before.
   *
   * @param exposures of a person, mean over all
   * @return absent where everybody occurs once in each round
   */
  public Optional<Frequencies> frequencies(Corpus corpus, double exposures) {
    Rounds rounds = corpus.measured().rounds();
    if (rounds.exposure().isEmpty()) {
      return Optional.empty();
    }
    // The most frequent people first, and groups in their order.
    TreeMap<Integer, Tally> tallies = new TreeMap<>();
    for (long person = 0; person < people; person++) {
      Tally tally = tallies.computeIfAbsent(bucket(rounds, person, exposures), _ -> new Tally());
      tally.people++;
      tally.share += rounds.share(person);
      tally.exposures += rounds.share(person) * people * exposures;
      tally.least = Math.min(tally.least, rounds.share(person) * people * exposures);
    }
    double[] names = losses(KnowledgeKind.NAME);
    double[] values = losses(KnowledgeKind.VALUE);
    KnowledgePart part = knowledge.get(index(KnowledgeKind.VALUE));
    double pieces = part.count() / people;
    MeasuredPeople measured = MeasuredPeople.of(corpus, names.length);
    for (int i = 0; i < names.length; i++) {
      double share = rounds.share(measured.person(i));
      Tally tally = Objects.requireNonNull(tallies.get(bucket(rounds, measured.person(i), exposures)));
      tally.measured++;
      tally.measuredShare += share;
      tally.nameLoss += names[i];
      tally.valueLoss += pieces * values[i];
      tally.weightedValueLoss += share * pieces * values[i];
    }
    List<Tally> whole = new ArrayList<>();
    Tally open = new Tally();
    for (Tally each : tallies.values()) {
      open.add(each);
      if (open.measured > 0) {
        whole.add(open);
        open = new Tally();
      }
    }
    whole.getLast().add(open);
    List<FrequencyBucket> buckets = whole.stream()
        .map(each -> each.bucket(
            rounds.exposure().get() instanceof Exposure.Zipf ? from(power(each.least)) : each.least,
            pieces * part.uniformBits()))
        .toList();
    return Optional.of(new Frequencies(rounds.exposure().get() instanceof Exposure.Zipf(double exponent)
        ? OptionalDouble.of(exponent)
        : OptionalDouble.empty(), buckets));
  }

  /** A number by which buckets are in order. */
  private static int bucket(Rounds rounds, long person, double exposures) {
    return rounds.group(person).orElseGet(() -> -power(rounds.share(person) * rounds.people() * exposures));
  }

  private static double from(int power) {
    return power < 0 ? 0 : Math.pow(2, power);
  }

  private static int power(double exposures) {
    return exposures < 1 ? -1 : Math.getExponent(exposures);
  }

  /** The capacity of a model with this number of parameters. */
  public Capacity capacity(long parameters) {
    return Capacity.of(parts(), SampleSummary.of(personLosses(losses), personLosses(again), people),
        parameters);
  }

  /** For each person the sum over parts of loss times (count / people), nats. */
  private double[] personLosses(double[][] losses) {
    double[] shares = new double[losses[0].length];
    for (int part = 0; part < losses.length; part++) {
      double pieces = knowledge.get(part).count() / people;
      for (int person = 0; person < shares.length; person++) {
        shares[person] += pieces * losses[part][person];
      }
    }
    return shares;
  }
}
