package org.knowcap.generators.export;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * The formats and sizes of an export.
 *
 * @param formats     at least one, each once
 * @param truth       format of the truth table
 * @param exposures   of every person whose exposures the corpus counts
 * @param contextLength tokens of a window, for corpora of several sources
 * @param shardTokens approximate number of tokens of a shard
 */
public record ExportSettings(List<Format> formats, TruthFormat truth, long exposures, int contextLength,
    long shardTokens) {
  /** A shard is then a few hundred megabytes of JSON, and less in all other formats. */
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
    if (contextLength < 1) {
      throw new IllegalArgumentException("a window must have 1 or more tokens, found " + contextLength);
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
    map.put("window", contextLength);
    map.put("shard_tokens", shardTokens);
    return map;
  }

  /**
   * Reads the settings that {@link #toMap} has written.
   *
   * @throws IllegalArgumentException if the map is not valid
   */
  static ExportSettings of(JsonNode map) {
    return new ExportSettings(
        map.path("formats").valueStream().map(format -> Format.of(format.asString(""))).toList(),
        TruthFormat.of(map.path("truth").asString("")), map.path("exposures").asLong(0),
        map.path("window").asInt(0), map.path("shard_tokens").asLong(0));
  }
}
