package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A list in the place of a value is a sweep: each of its entries makes runs of its own. A mapping with such lists,
 * at any depth, becomes one mapping without them for each choice of an entry from every list.
 */
final class Sweep {
  /** Short words for keys in names of runs; other keys keep their names. */
  private static final Map<String, String> SHORT = Map.of("learning_rate", "lr", "batch_size", "batch",
      "context_length", "context");
  /** Keys that the name of the corpus already shows. */
  private static final Set<String> COUNTS = Set.of("people", CorpusSpec.StringsSpec.KIND);
  private static final int LONGEST_WORD = 24;

  private final Path file;
  private final BiPredicate<ObjectNode, String> isValue;

  /**
   * @param file for messages
   * @param isValue whether the key of a mapping takes a list as its value; a list there is not a sweep
   */
  Sweep(Path file, BiPredicate<ObjectNode, String> isValue) {
    this.file = file;
    this.isValue = isValue;
  }

  /**
   * All choices; the first list is the outermost loop.
   *
   * @param path keys that lead to the mapping, joined by dots
   * @throws UserException where a list is empty or has an entry twice
   */
  List<Swept<JsonNode>> choices(String path, ObjectNode mapping) {
    List<Swept<ObjectNode>> chosen = List.of(new Swept<>(mapping.objectNode(), ""));
    for (Map.Entry<String, JsonNode> entry : mapping.properties()) {
      String key = entry.getKey();
      List<Swept<JsonNode>> values = values(mapping, path.isEmpty() ? key : path + "." + key, key,
          entry.getValue());
      chosen = chosen.stream()
          .flatMap(before -> values.stream()
              .map(next -> new Swept<>(before.value().deepCopy().set(key, next.value()),
                  joined(before.label(), next.label()))))
          .toList();
    }
    return chosen.stream().map(each -> new Swept<JsonNode>(each.value(), each.label())).toList();
  }

  private List<Swept<JsonNode>> values(ObjectNode mapping, String path, String key, JsonNode value) {
    return switch (value) {
      case ArrayNode list when isValue.test(mapping, key) -> entries(path, list);
      case ArrayNode list -> entry(path, key, list);
      case ObjectNode inner -> choices(path, inner);
      default -> List.of(new Swept<>(value, ""));
    };
  }

  /** Lists inside the entries of a list that is a value. */
  private List<Swept<JsonNode>> entries(String path, ArrayNode list) {
    List<Swept<ArrayNode>> chosen = List.of(new Swept<>(list.arrayNode(), ""));
    for (JsonNode entry : list) {
      List<Swept<JsonNode>> values = entry instanceof ObjectNode inner
          ? choices(path, inner)
          : List.of(new Swept<>(entry, ""));
      chosen = chosen.stream()
          .flatMap(before -> values.stream()
              .map(next -> new Swept<>(before.value().deepCopy().add(next.value()),
                  joined(before.label(), next.label()))))
          .toList();
    }
    return chosen.stream().map(each -> new Swept<JsonNode>(each.value(), each.label())).toList();
  }

  private List<Swept<JsonNode>> entry(String path, String key, ArrayNode list) {
    if (list.isEmpty() || new HashSet<>(list.valueStream().toList()).size() < list.size()) {
      throw UserException.usage(file + ": '" + path
          + "' is a list, which must have at least one entry and none twice, found " + list);
    }
    List<Swept<JsonNode>> values = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      String label = COUNTS.contains(key) || list.size() == 1 ? "" : label(key, list.get(i), i + 1);
      if (list.get(i) instanceof ObjectNode inner) {
        choices(path, inner)
            .forEach(each -> values.add(new Swept<>(each.value(), joined(label, each.label()))));
      } else {
        values.add(new Swept<>(list.get(i), label));
      }
    }
    return values;
  }

  /** For names of folders: letters, digits, dots and hyphens. */
  private static String label(String key, JsonNode value, int number) {
    String word = Optional.ofNullable(SHORT.get(key)).orElse(key.replace('_', '-') + "-");
    String text = value.isValueNode() ? value.asString().replaceAll("[^A-Za-z0-9.]+", "-") : "";
    return text.isEmpty() || text.length() > LONGEST_WORD ? word + "no" + number : word + text;
  }

  /** The two labels joined; one of them if the other is empty. */
  static String joined(String one, String other) {
    return Stream.of(one, other).filter(label -> !label.isEmpty()).collect(Collectors.joining("_"));
  }
}
