package org.knowcap.generators.mixture;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.TrainingStream;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * Several sources in one training stream, each with its share of the windows; each window is cut from one
 * source (paper, section 10). The first source is the useful one: it is measured, and its exposures are
 * counted. The other sources may be junk, or knowledge to be retained.
 */
public final class Mixture implements Corpus {
  private static final double ROUNDING = 1e-9;

  /**
   * A source and its part in the mixture.
   *
   * @param source the texts
   * @param share  of the windows, above 0
   * @param token  text of the domain token in front of each of the source's texts; empty for none. Sources may
   *               share a token
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

  private final long order;
  private final List<Ingredient> ingredients;
  private final TrainingStream stream;

  /**
   * @param order       seed of the order of the windows
   * @param ingredients at least one, the useful one first
   * @throws IllegalArgumentException if the shares do not sum to one, or a source's vocabulary already has a
   *                                  domain token's text
   */
  public Mixture(long order, List<Ingredient> ingredients) {
    this.order = order;
    this.ingredients = List.copyOf(ingredients);
    double[] shares = ingredients.stream().mapToDouble(Ingredient::share).toArray();
    double sum = 0;
    for (double share : shares) {
      sum += share;
    }
    if (shares.length == 0 || Math.abs(sum - 1) > ROUNDING) {
      throw new IllegalArgumentException(
          "the shares of a mixture must sum to 1, found " + ingredients.stream()
              .map(each -> Double.toString(each.share()))
              .collect(Collectors.joining(" + ")));
    }
    Vocabulary vocabulary = vocabulary(ingredients);
    List<Source> sources = ingredients.stream()
        .<Source>map(each -> new MixedSource(each.source(), vocabulary, each.token()))
        .toList();
    stream = new MixedStream(order, sources, shares);
  }

  /** All sources' tokens, then the domain tokens: if all sources have the same tokens, these keep their numbers. */
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

  /** The useful source, in the mixture's vocabulary. */
  @Override
  public Source measured() {
    return stream.sources().getFirst();
  }

  /** Other people than those of any source of the useful one's kind of names. */
  @Override
  public Optional<Source> strangers(long most) {
    Ingredient useful = ingredients.getFirst();
    if (!(useful.source() instanceof GeneratedSource<?> source)) {
      return Optional.empty();
    }
    long first = ingredients.stream()
        .map(Ingredient::source)
        .filter(GeneratedSource.class::isInstance)
        .mapToLong(each -> ((GeneratedSource<?>) each).end())
        .max()
        .orElseThrow();
    return source.strangers(first, most).map(each -> new MixedSource(each, vocabulary(), useful.token()));
  }

  @Override
  public TrainingStream stream() {
    return stream;
  }

  /** Such as "0.125 bioS(200) + 0.875 bioS(1000)", with a domain token in front of its source. */
  @Override
  public String name() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < ingredients.size(); i++) {
      names.add(ingredients.get(i).share() + " " + stream.sources().get(i).name());
    }
    return String.join(" + ", names);
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "mixture");
    parameters.put("seed", order);
    List<Map<String, Object>> parts = new ArrayList<>();
    for (int i = 0; i < ingredients.size(); i++) {
      Map<String, Object> part = new LinkedHashMap<>();
      part.put("share", ingredients.get(i).share());
      part.put("source", stream.sources().get(i).parameters());
      parts.add(part);
    }
    parameters.put("sources", parts);
    return parameters;
  }
}
