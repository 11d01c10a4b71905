package org.knowcap.generators.mixture;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Digests;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;
import org.knowcap.generators.random.RandomStream;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * Several sources in one training stream, each with its share of the windows; a window is all of one source
 * (paper, section 10). The first source is the useful one: it is what is measured and whose exposures are
 * counted. The others may be junk, or knowledge to be kept up.
 *
 * <p>Of each 1,024 windows in a row a source gets its share to within one window, at places drawn anew for
 * each block, so that exposures are as exact as they can be.
 */
public final class Mixture implements Corpus {
  private static final int BLOCK = 1024;
  private static final double ROUNDING = 1e-9;

  /**
   * A source, and how it goes in.
   *
   * @param source what is told
   * @param share  of the windows, above 0
   * @param token  text of the domain token that stands in front of each of its texts; empty for none. Sources
   *               may share a token
   */
  public record Ingredient(Source source, double share, String token) {
    /** @throws IllegalArgumentException if the share is not above 0 and at most 1 */
    public Ingredient {
      if (!(share > 0 && share <= 1)) {
        throw new IllegalArgumentException(
            "the share of " + source.name() + " must be above 0 and at most 1, found " + share);
      }
    }
  }

  private final long seed;
  private final List<Ingredient> ingredients;
  private final List<Source> sources;
  private final Vocabulary vocabulary;
  /** Of each source, the sum of the shares up to it. */
  private final double[] bounds;
  private final KeyedPermutation order;
  private final CounterRandom offsets;

  /**
   * @param seed        of the windows' kinds
   * @param ingredients at least one, the useful one first
   * @throws IllegalArgumentException if the shares do not sum to one, or a domain token stands for something
   *                                  else in one of the sources
   */
  public Mixture(long seed, List<Ingredient> ingredients) {
    this.seed = seed;
    this.ingredients = List.copyOf(ingredients);
    bounds = ingredients.stream().mapToDouble(Ingredient::share).toArray();
    for (int i = 1; i < bounds.length; i++) {
      bounds[i] += bounds[i - 1];
    }
    if (bounds.length == 0 || Math.abs(bounds[bounds.length - 1] - 1) > ROUNDING) {
      throw new IllegalArgumentException(
          "the shares of a mixture must sum to 1, found " + ingredients.stream()
              .map(each -> Double.toString(each.share()))
              .collect(Collectors.joining(" + ")));
    }
    vocabulary = vocabulary(ingredients);
    sources = ingredients.stream()
        .<Source>map(each -> new MixedSource(each.source(), vocabulary, each.token()))
        .toList();
    CounterRandom random = new CounterRandom(seed).child(RandomStream.WINDOWS.ordinal());
    order = new KeyedPermutation(random.child(0), BLOCK);
    offsets = random.child(1);
  }

  /** All sources' tokens, then the domain tokens: where the sources' are the same, they keep their numbers. */
  private static Vocabulary vocabulary(List<Ingredient> ingredients) {
    Vocabulary texts = ingredients.stream()
        .map(each -> each.source().vocabulary())
        .reduce(Vocabulary::union)
        .orElseThrow();
    List<String> tokens = ingredients.stream()
        .map(Ingredient::token)
        .filter(token -> !token.isEmpty())
        .distinct()
        .toList();
    tokens.stream().filter(texts.dedicated()::contains).findFirst().ifPresent(token -> {
      throw new IllegalArgumentException(
          "domain token \"" + token + "\" already stands for something in the sources' texts");
    });
    return texts.union(new Vocabulary(new int[0], tokens));
  }

  /** As in "0.125 bioS(200) + 0.875 bioS(1000)", with a domain token in front of its source. */
  @Override
  public String name() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < sources.size(); i++) {
      names.add(ingredients.get(i).share() + " " + sources.get(i).name());
    }
    return String.join(" + ", names);
  }

  @Override
  public long people() {
    return sources.getFirst().people();
  }

  @Override
  public long seed() {
    return seed;
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  @Override
  public BitContent bits() {
    return sources.getFirst().bits();
  }

  @Override
  public int longestItem() {
    return sources.stream().mapToInt(Source::longestItem).max().orElseThrow();
  }

  @Override
  public int mergingJoints() {
    return sources.stream().mapToInt(Source::mergingJoints).sum();
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "mixture");
    parameters.put("seed", seed);
    List<Map<String, Object>> parts = new ArrayList<>();
    for (int i = 0; i < sources.size(); i++) {
      Map<String, Object> part = new LinkedHashMap<>();
      part.put("share", ingredients.get(i).share());
      part.put("source", sources.get(i).parameters());
      parts.add(part);
    }
    parameters.put("sources", parts);
    return parameters;
  }

  @Override
  public String digest() {
    return Digests
        .sha256(parameters() + "\n" + sources.stream().map(Source::digest).collect(Collectors.joining("\n")));
  }

  @Override
  public Map<Attribute, String> values(long person) {
    return sources.getFirst().values(person);
  }

  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return sources.getFirst().measuringItem(person, draw);
  }

  @Override
  public double tokens(long exposures) {
    return sources.getFirst().tokens(exposures) / ingredients.getFirst().share();
  }

  /** How often, on average, each person of a source has occurred when the first source's have so often. */
  public double exposures(int source, long exposures) {
    return tokens(exposures) * ingredients.get(source).share() / sources.get(source).tokens(1);
  }

  /** The ingredients' sources in the mixture's vocabulary, with their domain tokens. */
  @Override
  public List<Source> sources() {
    return sources;
  }

  @Override
  public double items(int source, long exposures) {
    return source == 0
        ? (double) people() * exposures
        : exposures(source, exposures) * sources.get(source).people();
  }

  @Override
  public int sourceOf(long window, int length) {
    long block = window / BLOCK;
    // A comb of as many even teeth as windows, shifted at random.
    double point = (order.apply(block, window % BLOCK) + offset(block)) / BLOCK;
    int source = 0;
    while (source < bounds.length - 1 && point >= bounds[source]) {
      source++;
    }
    return source;
  }

  /** Uniform over 0..1, in steps of 2^-32. */
  private double offset(long block) {
    return (offsets.bits(block) >>> 32) * 0x1p-32;
  }
}
