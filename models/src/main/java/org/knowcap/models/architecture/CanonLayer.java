package org.knowcap.models.architecture;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The places in a block where a Canon layer (arXiv 2512.17351) can be: a convolution over a token and the three
 * before it.
 */
public enum CanonLayer {
  /** On the input of the matmul of queries, keys and values, after the norm. */
  A,
  /** On queries, keys and values. */
  B,
  /** On the input of the feed-forward, after the norm. */
  C,
  /** Inside the feed-forward, before the activation. */
  D;

  /** Number of tokens that a result depends on, which is also the number of weights of a component. */
  public static final int WIDTH = 4;

  private static final String LETTERS = "abcd";

  /**
   * Reads letters in their order, such as {@code ac}.
   *
   * @throws IllegalArgumentException for anything else
   */
  static List<CanonLayer> parse(String letters) {
    List<CanonLayer> layers = Arrays.stream(values())
        .filter(layer -> letters.contains(layer.letter()))
        .toList();
    if (layers.isEmpty() || !letters(layers).equals(letters)) {
      throw new IllegalArgumentException(
          "Canon layers are letters of " + LETTERS + " in this order, found " + letters);
    }
    return layers;
  }

  private static String letters(List<CanonLayer> layers) {
    return layers.stream().map(CanonLayer::letter).collect(Collectors.joining());
  }

  private String letter() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The option of a model that says at which places its blocks have Canon layers. */
  static ModelOption<List<CanonLayer>> row(String key) {
    return new ModelOption<>(key,
        new Suffix<>("canon[a-d]+", (text, _) -> parse(text.substring("canon".length())),
            (layers, plain) -> layers.equals(plain.canon()) ? "" : "canon" + letters(layers)),
        (values, named) -> values.has(key)
            ? values.checked(key, () -> parse(values.text(key, "")))
            : named.canon(),
        ModelSpec::canon, (b, value) -> b.canon = value, (model, settings) -> {
          if (!model.canon().isEmpty()) {
            settings.put(key, letters(model.canon()));
          }
        },
        model -> model.canon().isEmpty()
            ? ""
            : "Canon layers " + letters(model.canon()).toUpperCase(Locale.ROOT));
  }
}
