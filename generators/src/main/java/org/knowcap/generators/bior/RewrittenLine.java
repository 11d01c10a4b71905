package org.knowcap.generators.bior;

import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A line of a file of rewritten texts.
 *
 * @param person 0..N-1
 * @param draft  number of the text among those about that person; -1 if the line has none
 * @param model  name of the language model that wrote the text; empty if the line has none
 * @param text   as it was written
 */
public record RewrittenLine(long person, long draft, String model, String text) {
  private static final JsonMapper JSON = JsonMapper.builder()
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  /**
   * Reads a line: a JSON object with a whole number "person" and a string "text", and optionally a whole number
   * "draft" and a string "model". Other keys are ignored.
   *
   * @return empty if the line is not such an object
   */
  public static Optional<RewrittenLine> parse(String line) {
    try {
      JsonNode tree = JSON.readTree(line);
      JsonNode person = tree.path("person");
      JsonNode text = tree.path("text");
      return person.isIntegralNumber() && person.canConvertToLong() && person.asLong() >= 0 && text.isString()
          ? Optional.of(new RewrittenLine(person.asLong(), tree.path("draft").asLong(-1),
              tree.path("model").asString(""), text.asString()))
          : Optional.empty();
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }

  /** The line as JSON, without its end. */
  public String line() {
    return JSON.writeValueAsString(this);
  }
}
