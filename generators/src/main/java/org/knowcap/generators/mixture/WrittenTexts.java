package org.knowcap.generators.mixture;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.knowcap.files.Sha256;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.ForwardingSource;
import org.knowcap.generators.corpus.GroundTruth;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.random.RandomStream;

/**
 * Texts that a model has written, each once in each round, to be replayed. What is true of them is not known, so they have no bits. What
 * other sources call a person is here a text.
 */
public final class WrittenTexts extends ForwardingSource {
  private final List<int[]> texts;
  private final Rounds rounds;
  private final ItemLayout layout;
  private final String digest;

  /** Texts without knowledge. */
  private record Truth(long people) implements GroundTruth {
    @Override
    public BitContent bits() {
      return new BitContent(List.of());
    }

    @Override
    public Map<Attribute, String> values(long text) {
      return Map.of();
    }
  }

  /**
   * @param source in whose vocabulary the texts are; it also says in which order they come
   * @param texts tokens of each, the first an end of text
   * @param order seed of their order
   * @throws IllegalArgumentException if there are none, one is empty or longer than the source's texts, or a token is none of the
   *                                  vocabulary
   */
  public WrittenTexts(Source source, List<int[]> texts, long order) {
    super(source);
    if (texts.isEmpty()) {
      throw new IllegalArgumentException("there is no text to replay");
    }
    for (int number = 0; number < texts.size(); number++) {
      check(number + 1, texts.get(number));
    }
    this.texts = List.copyOf(texts);
    rounds = new Rounds(RandomStream.REPLAYED.random(order), texts.size());
    layout = new ItemLayout(lengths(), new HashMap<>(), 0);
    StringBuilder all = new StringBuilder(source.digest());
    texts.forEach(text -> all.append('\n').append(Arrays.toString(text)));
    digest = Sha256.of(all.append(order).toString());
  }

  private void check(int number, int[] text) {
    int eos = source.vocabulary().eos();
    if (text.length < 2 || text[0] != eos) {
      throw new IllegalArgumentException(
          "text " + number + " must begin with the end-of-text token " + eos + " and have more tokens");
    }
    if (text.length > source.longestItem()) {
      throw new IllegalArgumentException("text " + number + " has " + text.length + " tokens, but texts of "
          + source.name() + " have at most " + source.longestItem());
    }
    for (int token : text) {
      if (token < 0 || token >= source.vocabulary().size()) {
        throw new IllegalArgumentException(
            "text " + number + " has the token " + token + ", but " + source.name() + " has tokens from 0 to "
                + (source.vocabulary().size() - 1) + ": it was written by a model of another corpus");
      }
    }
  }

  private double[] lengths() {
    double[] lengths = new double[source.longestItem() + 1];
    texts.forEach(text -> lengths[text.length] += 1.0 / texts.size());
    return lengths;
  }

  @Override
  public GroundTruth truth() {
    return new Truth(texts.size());
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
  public int write(long sequenceNumber, long text, int[] target, int offset) {
    int[] tokens = texts.get((int) text);
    System.arraycopy(tokens, 0, target, offset, tokens.length);
    return tokens.length;
  }

  @Override
  public AnnotatedItem annotated(long sequenceNumber) {
    return measuringItem(person(sequenceNumber), 0);
  }

  @Override
  public AnnotatedItem measuringItem(long text, long draw) {
    return new AnnotatedItem(texts.get((int) text), List.of());
  }

  @Override
  public Set<Attribute> stated(long text, String written) {
    return Set.of();
  }

  @Override
  public Optional<Source> strangers(long most) {
    return Optional.empty();
  }

  @Override
  public Map<String, Object> parameters() {
    return Map.of("kind", "written texts", "texts", texts.size(), "digest", digest);
  }

  @Override
  public String digest() {
    return digest;
  }

  @Override
  public String name() {
    return texts.size() + " written texts";
  }
}
