package org.knowcap.generators.export;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * What to write of a corpus.
 *
 * @param formats     at least one, each once
 * @param truth       of the table of what is true
 * @param exposures   of every person; of a mixture, of the first source's people
 * @param window      tokens of a window, which a mixture's stream is made of
 * @param shardTokens about how many tokens go into a shard
 */
public record ExportSettings(List<Format> formats, TruthFormat truth, long exposures, int window,
    long shardTokens) {
  /** So that a shard is some hundred megabytes of JSON, and a fraction of that in any other format. */
  public static final long DEFAULT_SHARD_TOKENS = 20_000_000;
  /** llm.c counts a file's tokens in 31 bits; items may be longer than the mean. */
  private static final long MOST_SHARD_TOKENS = 1_000_000_000;

  /** @throws IllegalArgumentException if there is no format, one is repeated, or a number is out of range */
  public ExportSettings {
    formats = List.copyOf(formats);
    if (formats.isEmpty() || formats.stream().distinct().count() < formats.size()) {
      throw new IllegalArgumentException(
          "one or more different formats are needed, found " + formats.stream().map(Format::key).toList());
    }
    if (exposures < 1) {
      throw new IllegalArgumentException("exposures must be 1 or more, found " + exposures);
    }
    if (window < 1) {
      throw new IllegalArgumentException("a window must have 1 or more tokens, found " + window);
    }
    if (shardTokens < 1 || shardTokens > MOST_SHARD_TOKENS) {
      throw new IllegalArgumentException(
          "a shard must have 1.." + MOST_SHARD_TOKENS + " tokens, found " + shardTokens);
    }
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("formats", formats.stream().map(Format::key).toList());
    map.put("truth", truth.key());
    map.put("exposures", exposures);
    map.put("window", window);
    map.put("shard_tokens", shardTokens);
    return map;
  }

  /**
   * Undoes {@link #toMap}.
   *
   * @throws IllegalArgumentException if these are no settings
   */
  static ExportSettings of(JsonNode map) {
    return new ExportSettings(
        map.path("formats").valueStream().map(format -> Format.of(format.asString(""))).toList(),
        TruthFormat.of(map.path("truth").asString("")), map.path("exposures").asLong(0),
        map.path("window").asInt(0), map.path("shard_tokens").asLong(0));
  }
}
