package org.knowcap.models.interchange;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * An entry of config.json that changes what a model computes.
 *
 * @param key its name
 * @param values the value that we write, then others that mean the same
 * @param elsewhere JSON pointers to of the places where other versions of transformers write it; these are read first
 * @param absent the value that transformers takes if the entry is missing
 * @param least every number from this one on means what {@code values} mean
 */
record Setting(String key, List<JsonNode> values, List<String> elsewhere, Optional<JsonNode> absent,
    OptionalInt least) {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  static Setting of(String key, int value) {
    return of(key, NODES.numberNode(value));
  }

  static Setting of(String key, double value) {
    return of(key, NODES.numberNode(value));
  }

  static Setting of(String key, boolean value) {
    return of(key, NODES.booleanNode(value));
  }

  /** A number, or null. */
  static Setting of(String key, Optional<Integer> value) {
    return of(key, value.<JsonNode>map(NODES::numberNode).orElse(NODES.nullNode()));
  }

  /** A setting whose value is the first word; the others are synonyms. */
  static Setting of(String key, String... values) {
    return new Setting(key, Stream.of(values).<JsonNode>map(NODES::stringNode).toList(), List.of(),
        Optional.empty(), OptionalInt.empty());
  }

  private static Setting of(String key, JsonNode value) {
    return new Setting(key, List.of(value), List.of(), Optional.empty(), OptionalInt.empty());
  }

  Setting orElse(boolean absentValue) {
    return orElse(NODES.booleanNode(absentValue));
  }

  Setting orElse(int absentValue) {
    return orElse(NODES.numberNode(absentValue));
  }

  Setting orElse(double absentValue) {
    return orElse(NODES.numberNode(absentValue));
  }

  Setting orElse(String absentValue) {
    return orElse(NODES.stringNode(absentValue));
  }

  Setting orElseNull() {
    return orElse(NODES.nullNode());
  }

  private Setting orElse(JsonNode absentValue) {
    return new Setting(key, values, elsewhere, Optional.of(absentValue), least);
  }

  Setting orAt(String... pointers) {
    return new Setting(key, values, List.of(pointers), absent, least);
  }

  /** Also every number from this one on. */
  Setting orAtLeast(int number) {
    return new Setting(key, values, elsewhere, absent, OptionalInt.of(number));
  }

  /** Also null, if that means the same. */
  Setting orNull(boolean same) {
    return new Setting(key,
        same ? Stream.concat(values.stream(), Stream.of(NODES.nullNode())).toList() : values, elsewhere,
        absent, least);
  }

  JsonNode written() {
    return values.getFirst();
  }

  /** The value in a config.json; empty if it has none and transformers has no default. */
  Optional<JsonNode> in(JsonNode config) {
    return Stream.concat(elsewhere.stream().map(config::at), Stream.of(config.path(key)))
        .filter(node -> !node.isMissingNode())
        .findFirst()
        .or(() -> absent);
  }

  /** Whether a value that was found means what {@code values} mean. */
  boolean holds(JsonNode found) {
    if (least.isPresent() && found.isNumber() && found.asDouble() >= least.getAsInt()) {
      return true;
    }
    return values.stream()
        .anyMatch(value -> value.isNumber() && found.isNumber()
            ? value.asDouble() == found.asDouble()
            : value.equals(found));
  }
}
