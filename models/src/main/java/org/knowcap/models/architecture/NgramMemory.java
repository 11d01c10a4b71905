package org.knowcap.models.architecture;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A memory that is read by the last tokens (Engram, arXiv 2601.07372). For every length of n-gram from 2 on there are
 * some tables; a hash of the n-gram that ends with a token says which row of each table the token gets.
 *
 * @param slots rows of a table, from 2 to {@value #MOST_SLOTS}
 * @param longest tokens of the longest n-grams, from 2 to {@value #LONGEST}
 * @param heads tables for each length, each with a hash of its own, from 1 to {@value #MOST_HEADS}
 * @param width numbers of a row, even, from 2 to {@value #WIDEST}
 * @param layers the blocks that read such a memory, each its own, counted from 1, ascending
 * @param seed of the hashes, from 0 to {@value #LARGEST_SEED}
 */
public record NgramMemory(int slots, int longest, int heads, int width, List<Integer> layers, int seed) {
  /** Most rows that a table can have. */
  public static final int MOST_SLOTS = 1 << 24;
  /** Most tokens of an n-gram. */
  public static final int LONGEST = 8;
  /** Most tables for n-grams of one length. */
  public static final int MOST_HEADS = 8;
  /** Most numbers of a row. */
  public static final int WIDEST = 1024;
  /** The last seed. */
  public static final int LARGEST_SEED = 999_999_999;
  private static final int USUAL_LONGEST = 3;
  private static final int USUAL_HEADS = 2;
  private static final int USUAL_WIDTH = 16;
  private static final int MOST_LAYERS = 9999;
  private static final Pattern SUFFIX = Pattern.compile("ngram([1-9][0-9]{0,7})(?:n([1-9]))?(?:h([1-9]))?"
      + "(?:w([1-9][0-9]{0,3}))?((?:l[1-9][0-9]{0,3})*)(?:s([1-9][0-9]{0,8}))?");

  public NgramMemory {
    require("ngram_slots", slots, 2, MOST_SLOTS);
    require("ngram_longest", longest, 2, LONGEST);
    require("ngram_heads", heads, 1, MOST_HEADS);
    require("ngram_width", width, 2, WIDEST);
    require("ngram_seed", seed, 0, LARGEST_SEED);
    if (width % 2 != 0) {
      throw new IllegalArgumentException("ngram_width must be even, found " + width);
    }
    layers = layers.stream().sorted().toList();
    if (layers.isEmpty() || layers.stream().distinct().count() < layers.size()) {
      throw new IllegalArgumentException(
          "ngram_layers must be at least one block and none twice, found " + layers);
    }
  }

  private static void require(String what, int found, int least, int most) {
    if (found < least || found > most) {
      throw new IllegalArgumentException(
          what + " must be from " + least + " to " + most + ", found " + found);
    }
  }

  /** With the usual lengths, heads and width, in the second block, or in the only one. */
  private static NgramMemory usual(int slots, int blocks) {
    return new NgramMemory(slots, USUAL_LONGEST, USUAL_HEADS, USUAL_WIDTH, List.of(Math.min(2, blocks)), 0);
  }

  /** Refuses blocks that a model does not have. */
  void require(int blocks) {
    for (int layer : layers) {
      require("ngram_layers", layer, 1, blocks);
    }
  }

  /** Tables of a block. */
  public int tables() {
    return (longest - 1) * heads;
  }

  /** Numbers that a token gets from a block's tables. */
  public int rowWidth() {
    return tables() * width;
  }

  /** Numbers in the tables of all blocks. */
  long parameters() {
    return (long) layers.size() * tables() * slots * width;
  }

  /** Those among them that a token gets. */
  long active() {
    return (long) layers.size() * rowWidth();
  }

  private static NgramMemory parse(String text, int blocks) {
    Matcher matcher = SUFFIX.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("no memory of n-grams is named '" + text + "'");
    }
    NgramMemory usual = usual(Integer.parseInt(matcher.group(1)), blocks);
    String layers = matcher.group(5);
    return new NgramMemory(usual.slots, number(matcher, 2, usual.longest), number(matcher, 3, usual.heads),
        number(matcher, 4, usual.width),
        layers.isEmpty()
            ? usual.layers
            : Pattern.compile("l").splitAsStream(layers.substring(1)).map(Integer::valueOf).toList(),
        number(matcher, 6, usual.seed));
  }

  private static int number(Matcher matcher, int group, int usual) {
    return Optional.ofNullable(matcher.group(group)).map(Integer::parseInt).orElse(usual);
  }

  private String name(int blocks) {
    NgramMemory usual = usual(slots, blocks);
    StringBuilder name = new StringBuilder("ngram").append(slots);
    name.append(longest == usual.longest ? "" : "n" + longest);
    name.append(heads == usual.heads ? "" : "h" + heads);
    name.append(width == usual.width ? "" : "w" + width);
    if (!layers.equals(usual.layers)) {
      layers.forEach(layer -> name.append('l').append(layer));
    }
    return name.append(seed == usual.seed ? "" : "s" + seed).toString();
  }

  private static Optional<NgramMemory> read(OptionValues values, ModelSpec named) {
    Optional<NgramMemory> before = named.ngrams();
    if (before.isEmpty() && !values.has("ngram_slots")) {
      return before;
    }
    int slots = before.isPresent()
        ? (int) values.integer("ngram_slots", 2, MOST_SLOTS, before.get().slots)
        : (int) values.integer("ngram_slots", 2, MOST_SLOTS);
    NgramMemory from = before.orElseGet(() -> usual(slots, named.layers()));
    int longest = (int) values.integer("ngram_longest", 2, LONGEST, from.longest);
    int heads = (int) values.integer("ngram_heads", 1, MOST_HEADS, from.heads);
    int width = (int) values.integer("ngram_width", 2, WIDEST, from.width);
    List<Integer> layers = values.has("ngram_layers")
        ? values.integers("ngram_layers", 1, MOST_LAYERS).stream().map(Long::intValue).toList()
        : from.layers;
    int seed = (int) values.integer("ngram_seed", 0, LARGEST_SEED, from.seed);
    return Optional
        .of(values.checked("ngram_width", () -> new NgramMemory(slots, longest, heads, width, layers, seed)));
  }

  private String phrase() {
    return "a memory of n-grams of 2 to " + longest + " tokens in "
        + (layers.size() == 1 ? "block " : "blocks ")
        + String.join(", ", layers.stream().map(layer -> Integer.toString(layer)).toList()) + ", " + tables()
        + " tables of " + slots + " rows of " + width;
  }

  /** The option of a model that has such a memory. */
  static ModelOption<Optional<NgramMemory>> row(String key) {
    return new ModelOption<>(key, new Suffix<>(
        "ngram[1-9][0-9]{0,7}(?:n[1-9])?(?:h[1-9])?(?:w[1-9][0-9]{0,3})?(?:l[1-9][0-9]{0,3})*(?:s[1-9][0-9]{0,8})?",
        (text, plain) -> Optional.of(parse(text, plain.layers())),
        (value, plain) -> value.map(memory -> memory.name(plain.layers())).orElse("")), NgramMemory::read,
        ModelSpec::ngrams, (b, value) -> b.ngrams = value,
        (model, settings) -> model.ngrams().ifPresent(value -> {
          settings.put("ngram_slots", value.slots);
          settings.put("ngram_longest", value.longest);
          settings.put("ngram_heads", value.heads);
          settings.put("ngram_width", value.width);
          settings.put("ngram_layers", value.layers);
          settings.put("ngram_seed", value.seed);
        }), model -> model.ngrams().map(NgramMemory::phrase).orElse(""));
  }
}
