package org.knowcap.generators.strings;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.knowcap.files.Sha256;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.GroundTruth;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.RandomStream;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * strings(M, S, V): M strings of S symbols, each symbol drawn uniformly from V (arXiv 2505.24832). A text is one string, and
 * is the same at every exposure: "#17 #4 #8 #8". Each symbol has a token of its own; there are no others but the end of text.
 *
 * <p>A string stands where other sources have a person. It has no name, and every token of it is knowledge. Its two attributes
 * are its two halves: whether a model recalls a string is asked of the second half, because nothing tells how a string begins.
 */
public final class RandomStrings implements Source {
  /** To be raised when a change of the code gives other strings for unchanged parameters. */
  private static final int VERSION = 1;
  private static final int EOS = 0;

  /** The strings, as two values each. */
  private final class Truth implements GroundTruth {
    @Override
    public long people() {
      return strings;
    }

    @Override
    public BitContent bits() {
      return StringBits.of(strings, shape);
    }

    @Override
    public Map<Attribute, String> values(long string) {
      int[] item = tokens(string);
      Map<Attribute, String> values = new LinkedHashMap<>();
      spans.forEach(
          span -> values.put(span.attribute(), vocabulary.decode(item, span.start(), span.end()).strip()));
      return values;
    }

    /** Only what the beginning of a string tells. */
    @Override
    public List<Attribute> attributes() {
      return List.of(Attribute.REST);
    }
  }

  private final StringShape shape;
  /** The number of the first string, of all that the seed determines. */
  private final long first;
  private final long strings;
  private final long seed;
  private final long order;
  private final CounterRandom symbols;
  private final Rounds rounds;
  private final Vocabulary vocabulary;
  private final List<Span> spans;
  private final GroundTruth truth = new Truth();

  /**
   * @param strings M, 1 or more, and fewer than V^S
   * @param shape   S and V
   * @param seed    of the strings
   * @param order   seed of their order in training
   * @throws IllegalArgumentException if M is out of range
   */
  public RandomStrings(long strings, StringShape shape, long seed, long order) {
    shape.check(strings);
    this(shape, 0, strings, seed, order,
        new Vocabulary(new int[0], IntStream.range(0, shape.alphabet()).mapToObj(i -> " #" + i).toList()));
  }

  private RandomStrings(StringShape shape, long first, long strings, long seed, long order,
      Vocabulary vocabulary) {
    this.shape = shape;
    this.first = first;
    this.strings = strings;
    this.seed = seed;
    this.order = order;
    this.vocabulary = vocabulary;
    symbols = RandomStream.STRINGS.random(seed);
    rounds = new Rounds(RandomStream.ROUNDS.random(order), strings);
    int middle = 1 + shape.length() / 2;
    List<Span> halves = new ArrayList<>();
    if (middle > 1) {
      halves.add(new Span(KnowledgeKind.VALUE, Attribute.BEGINNING, 1, middle));
    }
    halves.add(new Span(KnowledgeKind.VALUE, Attribute.REST, middle, longestItem()));
    spans = List.copyOf(halves);
  }

  /** S and V. */
  public StringShape shape() {
    return shape;
  }

  @Override
  public GroundTruth truth() {
    return truth;
  }

  @Override
  public Rounds rounds() {
    return rounds;
  }

  @Override
  public double meanItemTokens() {
    return longestItem();
  }

  /** The end-of-text token stands where other texts have a name: a string is whole in a window if that token is in it, too. */
  @Override
  public ItemLayout layout() {
    double[] lengths = new double[longestItem() + 1];
    lengths[longestItem()] = 1;
    double[] values = new double[longestItem()];
    for (int token = 1; token < values.length; token++) {
      values[token] = 1;
    }
    return new ItemLayout(lengths, Map.of(0, values), shape.length());
  }

  @Override
  public int longestItem() {
    return 1 + shape.length();
  }

  @Override
  public int write(long sequenceNumber, long string, int[] target, int offset) {
    return writeString(string, target, offset);
  }

  private int writeString(long string, int[] target, int offset) {
    long counter = (first + string) * shape.length();
    target[offset] = EOS;
    for (int i = 0; i < shape.length(); i++) {
      target[offset + 1 + i] = EOS + 1 + symbols.below(shape.alphabet(), counter + i);
    }
    return longestItem();
  }

  private int[] tokens(long string) {
    int[] tokens = new int[longestItem()];
    writeString(string, tokens, 0);
    return tokens;
  }

  @Override
  public AnnotatedItem annotated(long sequenceNumber) {
    return measuringItem(person(sequenceNumber), 0);
  }

  /** The string; all draws give the same text. */
  @Override
  public AnnotatedItem measuringItem(long string, long draw) {
    return new AnnotatedItem(tokens(string), spans);
  }

  @Override
  public Set<Attribute> stated(long string, String text) {
    Set<Attribute> stated = new HashSet<>();
    String[] words = text.strip().split(" ");
    int[] item = tokens(string);
    for (Span span : spans) {
      boolean all = words.length >= span.end() - 1;
      for (int token = span.start(); all && token < span.end(); token++) {
        all = words[token - 1].equals(vocabulary.decode(item, token, token + 1).strip());
      }
      if (all) {
        stated.add(span.attribute());
      }
    }
    return stated;
  }

  /** Strings that training never shows, if not by chance: there are as many as one likes. */
  @Override
  public Optional<Source> strangers(long most) {
    return Optional.of(new RandomStrings(shape, first + strings, most, seed, order, vocabulary));
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "strings");
    parameters.put("version", VERSION);
    parameters.put("strings", strings);
    parameters.put("length", shape.length());
    parameters.put("alphabet", shape.alphabet());
    parameters.put("seed", seed);
    if (order != seed) {
      parameters.put("order_seed", order);
    }
    if (first > 0) {
      parameters.put("first", first);
    }
    return parameters;
  }

  @Override
  public String digest() {
    return Sha256.of(parameters().toString());
  }

  @Override
  public String name() {
    return "strings(" + strings + ", " + shape.length() + ", " + shape.alphabet() + ")";
  }

  @Override
  public long seed() {
    return seed;
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }
}
