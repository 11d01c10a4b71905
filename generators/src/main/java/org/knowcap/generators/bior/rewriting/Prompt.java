package org.knowcap.generators.bior.rewriting;

import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A request for a text about a person.
 *
 * @param person 0..N-1
 * @param draft  number of the text among those about that person, 0 or more
 * @param prompt the request in words, for the language model
 */
public record Prompt(long person, long draft, String prompt) {
  private static final JsonMapper JSON = JsonMapper.builder()
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  /** The prompt as a line of a file, without its end: a JSON object with "person", "draft" and "prompt". */
  public String line() {
    return JSON.writeValueAsString(this);
  }

  /** Reads a {@link #line()} and ignores other keys; empty if the line is not such an object. */
  public static Optional<Prompt> parse(String line) {
    try {
      JsonNode tree = JSON.readTree(line);
      JsonNode prompt = tree.path("prompt");
      return isCount(tree.path("person")) && isCount(tree.path("draft")) && prompt.isString()
          ? Optional
              .of(new Prompt(tree.path("person").asLong(), tree.path("draft").asLong(), prompt.asString()))
          : Optional.empty();
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }

  private static boolean isCount(JsonNode node) {
    return node.isIntegralNumber() && node.canConvertToLong() && node.asLong() >= 0;
  }
}
