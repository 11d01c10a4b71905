package org.knowcap.generators.bior;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.knowcap.files.Sha256;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.GroundTruth;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.random.RandomStream;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * bioR(N): texts that a language model has written about the people of bioS(N) (arXiv 2404.05405, and 2309.14316
 * in more detail). The knowledge is that of bioS.
 *
 * <p>One of each person's texts is withheld from training for measuring, unless there is only one. Training uses
 * the others in turn, in an order drawn for each person: with K of them, rounds e and e + K have the same text.
 */
public final class BioR implements Source {

  /** To be raised when a change of the code gives another stream for unchanged parameters and texts. */
  private static final int VERSION = 1;

  private final RewrittenTexts texts;
  private final long seed;
  private final long order;
  private final Rounds rounds;
  /** For each number of texts per person, a family of orders; a person is a member. */
  private final KeyedPermutation[] orders;
  private final double meanItemTokens;

  /**
   * @param texts determine the people
   * @param seed  of the choice of people who are measured
   * @param order seed of the order of people and texts in training
   */
  public BioR(RewrittenTexts texts, long seed, long order) {
    this.texts = texts;
    this.seed = seed;
    this.order = order;
    rounds = new Rounds(RandomStream.ROUNDS.random(order), texts.people().people());
    CounterRandom random = RandomStream.TEXTS.random(order);
    int most = (int) LongStream.range(0, texts.people().people()).map(texts::training).max().orElseThrow();
    orders = IntStream.rangeClosed(1, most)
        .mapToObj(count -> new KeyedPermutation(random.child(count), count))
        .toArray(KeyedPermutation[]::new);
    meanItemTokens = 1 + LongStream.range(0, people())
        .mapToDouble(person -> trainingTokens(person) / (double) texts.training(person))
        .sum() / people();
  }

  /** The number of tokens of all of a person's training texts. */
  private long trainingTokens(long person) {
    long tokens = 0;
    for (int text = 0; text < texts.training(person); text++) {
      tokens += texts.length(person, text);
    }
    return tokens;
  }

  /** The number of the text that a person has in a round. */
  private int text(long person, long round) {
    int count = texts.training(person);
    return (int) orders[count - 1].apply(person, round % count);
  }

  @Override
  public boolean repeatsWording() {
    return true;
  }

  @Override
  public String name() {
    return "bioR(" + people() + ")";
  }

  @Override
  public GroundTruth truth() {
    return texts.people().truth();
  }

  @Override
  public Rounds rounds() {
    return rounds;
  }

  @Override
  public long seed() {
    return seed;
  }

  @Override
  public Vocabulary vocabulary() {
    return texts.vocabulary();
  }

  @Override
  public double meanItemTokens() {
    return meanItemTokens;
  }

  @Override
  public ItemLayout layout() {
    return texts.layout();
  }

  @Override
  public int longestItem() {
    return 1 + texts.longest();
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "bioR");
    parameters.put("version", VERSION);
    parameters.put("people", people());
    parameters.put("seed", seed);
    if (order != seed) {
      parameters.put("order_seed", order);
    }
    parameters.put("people_seed", texts.people().seed());
    parameters.put("pools", texts.people().parameters().get("pools"));
    parameters.put("texts", texts.size());
    parameters.put("texts_digest", texts.digest());
    return parameters;
  }

  @Override
  public String digest() {
    return Sha256.of(parameters() + "\n" + texts.people().digest());
  }

  @Override
  public int write(long sequenceNumber, long person, int[] target, int offset) {
    return texts.writeItem(person, text(person, sequenceNumber / people()), target, offset);
  }

  @Override
  public AnnotatedItem annotated(long sequenceNumber) {
    long person = person(sequenceNumber);
    return texts.item(person, text(person, sequenceNumber / people()));
  }

  /** The text that is withheld from training, or the only one; all draws give the same text. */
  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return texts.item(person, texts.measured(person));
  }

  @Override
  public Set<Attribute> stated(long person, String text) {
    return texts.stated(person, text);
  }
}
