package org.knowcap.experiments.study;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.knowcap.experiments.Spelling;
import org.knowcap.experiments.UserException;
import org.knowcap.models.architecture.OptionValues;
import org.knowcap.models.engine.EngineUnavailableException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads the keys of one mapping of a YAML file, each of a known type and range, and in the end refuses keys that
 * were never read. Every complaint names the file, the key, the value found and what is allowed.
 */
public final class Fields implements OptionValues {
  /** Keys of other tools, with Knowcap's key for each of them. */
  private static final Map<String, String> OTHER_WORDS = Map.ofEntries(Map.entry("lr", "learning_rate"),
      Map.entry("batch", "batch_size"), Map.entry("block_size", "context_length"),
      Map.entry("max_length", "context_length"), Map.entry("sequence_length", "context_length"),
      Map.entry("epochs", "exposures"), Map.entry("warmup", "warmup_steps"), Map.entry("wd", "weight_decay"),
      Map.entry("corpora", "corpus"), Map.entry("dataset", "corpus"), Map.entry("n", "people"));
  /** Keys that have an American spelling too. */
  private static final Map<String, String> AMERICAN = Map.of("optimiser", "optimizer", "orthogonaliser",
      "orthogonalizer", "orthogonaliser_steps", "orthogonalizer_steps");

  private final Path file;
  private final String path;
  private final JsonNode node;
  private final Set<String> known = new LinkedHashSet<>();

  /**
   * @param path keys that lead here, joined by dots; empty at the top
   * @param node a mapping
   */
  public Fields(Path file, String path, JsonNode node) {
    this.file = file;
    this.path = path;
    this.node = node;
    if (!node.isObject()) {
      throw UserException.usage(file + ": " + (path.isEmpty() ? "the file" : "'" + path + "'")
          + " must be a mapping of keys to values, found " + shown(node));
    }
  }

  /** All keys and values, read or not. */
  public ObjectNode keys() {
    return (ObjectNode) node;
  }

  private String key(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  private static String shown(JsonNode value) {
    String text = value.isMissingNode() ? "nothing" : value.toString();
    return text.length() > 60 ? text.substring(0, 57) + "..." : text;
  }

  /** A complaint about a key. */
  public UserException wrong(String name, String allowed, JsonNode found) {
    return UserException.usage(file + ": '" + key(name) + "' must be " + allowed + ", found " + shown(found));
  }

  /** A complaint about a text. */
  @Override
  public UserException wrongText(String name, String allowed, String found) {
    return UserException.usage(file + ": '" + key(name) + "' must be " + allowed + ", found '" + found + "'");
  }

  /**
   * This mapping without lists: once for each choice of an entry from every list in it.
   *
   * @param isValue whether the key of a mapping takes a list as its value
   */
  List<Swept<Fields>> choices(BiPredicate<ObjectNode, String> isValue) {
    return new Sweep(file, isValue).choices(path, keys())
        .stream()
        .map(each -> new Swept<>(new Fields(file, path, each.value()), each.label()))
        .toList();
  }

  /** Keys that lead here, joined by dots. */
  public String path() {
    return path;
  }

  private Optional<JsonNode> value(String name) {
    known.add(name);
    String american = AMERICAN.getOrDefault(name, name);
    if (!american.equals(name) && node.has(american)) {
      if (node.has(name)) {
        throw UserException.usage(file + ": give '" + key(name) + "' or '" + key(american) + "', not both");
      }
      known.add(american);
      return Optional.of(node.path(american));
    }
    JsonNode value = node.path(name);
    return value.isMissingNode() ? Optional.empty() : Optional.of(value);
  }

  /** Whether the key is there. */
  @Override
  public boolean has(String name) {
    return value(name).isPresent();
  }

  /** Whether the key is there and has this text. */
  @Override
  public boolean isText(String name, String text) {
    return value(name).map(v -> v.isString() && v.asString().equals(text)).orElse(false);
  }

  /** A mapping inside, empty if absent. */
  public Fields mapping(String name) {
    return new Fields(file, key(name), value(name).orElseGet(() -> Json.MAPPER.createObjectNode()));
  }

  /** Whether a mapping stands under a key that may also be a single value. */
  public boolean holdsMapping(String name) {
    return value(name).map(JsonNode::isObject).orElse(false);
  }

  /** Whether a single number stands under a key that may also be a list or a mapping. */
  boolean holdsNumber(String name) {
    return value(name).map(JsonNode::isNumber).orElse(false);
  }

  @Override
  public String text(String name, String absent) {
    return value(name).map(v -> text(name, v)).orElse(absent);
  }

  public String text(String name) {
    return text(name, value(name).orElseThrow(() -> missing(name, "text")));
  }

  private String text(String name, JsonNode value) {
    if (!value.isString() || value.asString().isBlank()) {
      throw wrong(name, "text", value);
    }
    return value.asString();
  }

  private UserException missing(String name, String what) {
    String hint = node.propertyNames()
        .stream()
        .filter(each -> !known.contains(each) && means(each, name))
        .findFirst()
        .map(each -> " Is '" + key(each) + "' meant to be '" + key(name) + "'?")
        .orElse("");
    return UserException.usage(file + ": '" + key(name) + "' is missing; it must be " + what + "." + hint);
  }

  private static boolean means(String written, String name) {
    return name.equals(OTHER_WORDS.get(written.toLowerCase(Locale.ROOT))) || Spelling.mayMean(written, name);
  }

  @Override
  public long integer(String name, long least, long most, long absent) {
    return value(name).map(v -> integer(name, v, least, most)).orElse(absent);
  }

  @Override
  public long integer(String name, long least, long most) {
    return integer(name, value(name).orElseThrow(() -> missing(name, wholeNumber(least, most))), least, most);
  }

  long integer(String name, JsonNode value, long least, long most) {
    if (!value.isIntegralNumber() || !value.canConvertToLong() || value.asLong() < least
        || value.asLong() > most) {
      throw wrong(name, wholeNumber(least, most), value);
    }
    return value.asLong();
  }

  private static String wholeNumber(long least, long most) {
    return least == Integer.MIN_VALUE && most == Integer.MAX_VALUE
        ? "a whole number"
        : "a whole number from " + least + " to " + most;
  }

  @Override
  public double number(String name, double absent) {
    return value(name).map(v -> number(name, v)).orElse(absent);
  }

  @Override
  public double number(String name) {
    return number(name, value(name).orElseThrow(() -> missing(name, "a number")));
  }

  private double number(String name, JsonNode value) {
    if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
      throw wrong(name, "a number", value);
    }
    return value.asDouble();
  }

  @Override
  public boolean flag(String name, boolean absent) {
    return value(name).map(v -> {
      if (!v.isBoolean()) {
        throw wrong(name, "true or false", v);
      }
      return v.asBoolean();
    }).orElse(absent);
  }

  /** One of an enumeration's names, in lower case. */
  @Override
  public <E extends Enum<E>> E choice(String name, Class<E> type, E absent) {
    return value(name).map(v -> Arrays.stream(type.getEnumConstants())
        .filter(each -> each.name().toLowerCase(Locale.ROOT).equals(text(name, v)))
        .findFirst()
        .orElseThrow(() -> wrong(name,
            Arrays.stream(type.getEnumConstants())
                .map(each -> each.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", ")),
            v)))
        .orElse(absent);
  }

  /** One whole number or a list of different ones. */
  @Override
  public List<Long> integers(String name, long least, long most) {
    return list(name, "a whole number from " + least + " to " + most + ", or a list of them",
        v -> integer(name, v, least, most));
  }

  List<Long> integers(String name, long least, long most, List<Long> absent) {
    return has(name) ? integers(name, least, most) : absent;
  }

  /** One whole number or a list of them, which may be equal; never empty. */
  List<Long> repeatable(String name, long least, long most, List<Long> absent) {
    if (!has(name)) {
      return absent;
    }
    String what = "a whole number from " + least + " to " + most + ", or a list of them";
    List<Long> values = entries(name, what, v -> integer(name, v, least, most));
    if (values.isEmpty()) {
      throw wrong(name, what + ", with at least one entry", node.path(name));
    }
    return values;
  }

  /** One value or a list of different ones; never empty. */
  public <T> List<T> list(String name, String what, Function<JsonNode, T> element) {
    List<T> values = entries(name, what, element);
    if (values.isEmpty() || values.size() != Set.copyOf(values).size()) {
      throw wrong(name, what + ", with at least one entry and none twice", node.path(name));
    }
    return values;
  }

  private <T> List<T> entries(String name, String what, Function<JsonNode, T> element) {
    JsonNode value = value(name).orElseThrow(() -> missing(name, what));
    List<T> values = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(v -> values.add(element.apply(v)));
    } else {
      values.add(element.apply(value));
    }
    return List.copyOf(values);
  }

  /** Runs a constructor that checks its values, and puts file and key before its complaint. */
  @Override
  public <T> T checked(String name, Supplier<T> constructor) {
    return checked(file, key(name), constructor);
  }

  /** Runs a constructor whose values come from several keys, and puts the file before its complaint. */
  @Override
  public <T> T checkedAll(Supplier<T> constructor) {
    return checked(file, path, constructor);
  }

  /** Runs a constructor that checks its values, and puts the file and a whole path of keys before its complaint. */
  static <T> T checked(Path file, String key, Supplier<T> constructor) {
    try {
      return constructor.get();
    } catch (IllegalArgumentException | UncheckedIOException | EngineUnavailableException e) {
      throw UserException.usage(file + ": '" + key + "': " + e.getMessage());
    }
  }

  /** Refuses choices that have equal values. */
  void requireDistinct(List<? extends Swept<?>> choices) {
    if (choices.stream().map(Swept::value).distinct().count() < choices.size()) {
      throw UserException.usage(file + ": the lists under '" + path
          + "' make equal settings twice; leave one of them out, as in [0.1, 0.10]");
    }
  }

  /** Refuses a key by its former name, and says the present one. */
  void refuseRenamed(String former, String name) {
    if (node.has(former)) {
      throw UserException.usage(file + ": '" + key(former) + "' is now called '" + key(name) + "'");
    }
  }

  /** Refuses keys that were never read. */
  public void requireNoOthers() {
    for (String name : node.propertyNames()) {
      if (!known.contains(name)) {
        String hint = Optional.ofNullable(OTHER_WORDS.get(name.toLowerCase(Locale.ROOT)))
            .filter(known::contains)
            .or(() -> Spelling.closest(name, known))
            .map(closest -> " Did you mean '" + key(closest) + "'?")
            .orElse("");
        throw UserException.usage(file + ": unknown key '" + key(name) + "'; allowed here: "
            + String.join(", ", known) + "." + hint);
      }
    }
  }
}
