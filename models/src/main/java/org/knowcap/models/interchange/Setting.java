package org.knowcap.models.interchange;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * An entry of config.json that changes what a model computes.
 *
 * @param key its name
 * @param values the value that we write, then others that mean the same
 * @param elsewhere JSON pointers to where other versions of transformers write it, looked at first
 * @param absent what transformers takes where there is none
 */
record Setting(String key, List<JsonNode> values, List<String> elsewhere, Optional<JsonNode> absent) {
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

  /** A word, then others that mean the same. */
  static Setting of(String key, String... values) {
    return new Setting(key, Stream.of(values).<JsonNode>map(NODES::stringNode).toList(), List.of(),
        Optional.empty());
  }

  private static Setting of(String key, JsonNode value) {
    return new Setting(key, List.of(value), List.of(), Optional.empty());
  }

  Setting orElse(boolean absentValue) {
    return new Setting(key, values, elsewhere, Optional.of(NODES.booleanNode(absentValue)));
  }

  Setting orElse(double absentValue) {
    return new Setting(key, values, elsewhere, Optional.of(NODES.numberNode(absentValue)));
  }

  Setting orElse(String absentValue) {
    return new Setting(key, values, elsewhere, Optional.of(NODES.stringNode(absentValue)));
  }

  Setting orElseNull() {
    return new Setting(key, values, elsewhere, Optional.of(NODES.nullNode()));
  }

  Setting orAt(String... pointers) {
    return new Setting(key, values, List.of(pointers), absent);
  }

  /** Also null, if that means the same. */
  Setting orNull(boolean same) {
    return new Setting(key,
        same ? Stream.concat(values.stream(), Stream.of(NODES.nullNode())).toList() : values, elsewhere,
        absent);
  }

  JsonNode written() {
    return values.getFirst();
  }

  /** What a config.json says; nothing where it says nothing and transformers has no value of its own. */
  Optional<JsonNode> in(JsonNode config) {
    return Stream.concat(elsewhere.stream().map(config::at), Stream.of(config.path(key)))
        .filter(node -> !node.isMissingNode())
        .findFirst()
        .or(() -> absent);
  }

  /** Whether it means what it should. */
  boolean holds(JsonNode found) {
    return values.stream()
        .anyMatch(value -> value.isNumber() && found.isNumber()
            ? value.asDouble() == found.asDouble()
            : value.equals(found));
  }
}
