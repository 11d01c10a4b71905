package org.knowcap.generators.bior;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Digests;
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.random.RandomStream;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * bioR(N): the people of bioS(N), about whom a language model has written (arXiv 2404.05405, and 2309.14316 in
 * more detail). What there is to know is what there is in bioS.
 *
 * <p>Of each person's texts one is kept from training for measuring, unless there is only one. The others
 * are told in turn, in an order drawn for each person: the text of round e is the same as that of round
 * e + (their number).
 */
public final class BioR implements Source {

  /** Raised when the same parameters and texts come to mean another stream. */
  private static final int VERSION = 1;

  private final RewrittenTexts texts;
  private final long seed;
  private final Rounds rounds;
  /** For each number of texts that somebody has, a family of orders; a person is a member. */
  private final KeyedPermutation[] orders;
  private final double meanItemTokens;

  /** @param seed of the order of people and texts; who the people are is up to the texts */
  public BioR(RewrittenTexts texts, long seed) {
    this.texts = texts;
    this.seed = seed;
    rounds = new Rounds(RandomStream.ROUNDS.random(seed), texts.people().people());
    CounterRandom random = RandomStream.TEXTS.random(seed);
    int most = (int) LongStream.range(0, people()).map(texts::training).max().orElseThrow();
    orders = IntStream.rangeClosed(1, most)
        .mapToObj(count -> new KeyedPermutation(random.child(count), count))
        .toArray(KeyedPermutation[]::new);
    meanItemTokens = 1 + LongStream.range(0, people())
        .mapToDouble(person -> trainingTokens(person) / (double) texts.training(person))
        .sum() / people();
  }

  /** Of all texts that are for training. */
  private long trainingTokens(long person) {
    long tokens = 0;
    for (int text = 0; text < texts.training(person); text++) {
      tokens += texts.length(person, text);
    }
    return tokens;
  }

  /** Which of a person's texts is told in a round. */
  private int text(long person, long round) {
    int count = texts.training(person);
    return (int) orders[count - 1].apply(person, round % count);
  }

  @Override
  public String name() {
    return "bioR(" + people() + ")";
  }

  @Override
  public long people() {
    return texts.people().people();
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
  public BitContent bits() {
    return texts.people().bits();
  }

  @Override
  public double meanItemTokens() {
    return meanItemTokens;
  }

  @Override
  public int longestItem() {
    return 1 + texts.longest();
  }

  /** None: texts are encoded whole. */
  @Override
  public int mergingJoints() {
    return 0;
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "bioR");
    parameters.put("version", VERSION);
    parameters.put("people", people());
    parameters.put("seed", seed);
    parameters.put("people_seed", texts.people().seed());
    parameters.put("pools", texts.people().parameters().get("pools"));
    parameters.put("texts", texts.size());
    parameters.put("texts_digest", texts.digest());
    return parameters;
  }

  @Override
  public String digest() {
    return Digests.sha256(parameters() + "\n" + texts.people().digest());
  }

  @Override
  public int write(long sequenceNumber, long person, int[] target, int offset) {
    return tell(person, text(person, sequenceNumber / people()), target, offset);
  }

  private int tell(long person, int text, int[] target, int offset) {
    target[offset] = vocabulary().eos();
    return texts.write(person, text, target, offset + 1) - offset;
  }

  @Override
  public AnnotatedItem annotated(long sequenceNumber) {
    long person = person(sequenceNumber);
    return annotated(person, text(person, sequenceNumber / people()));
  }

  @Override
  public long person(long sequenceNumber) {
    return rounds.person(sequenceNumber);
  }

  @Override
  public void persons(long first, long[] target) {
    rounds.persons(first, target);
  }

  @Override
  public Map<Attribute, String> values(long person) {
    return texts.people().values(person);
  }

  /** The text that is kept from training, or the only one; there is no other draw. */
  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return annotated(person, texts.measured(person));
  }

  private AnnotatedItem annotated(long person, int text) {
    int[] tokens = new int[1 + texts.length(person, text)];
    tell(person, text, tokens, 0);
    List<Span> spans = texts.spans(person, vocabulary().decode(tokens, 1, tokens.length));
    return new AnnotatedItem(tokens, spans);
  }
}
