package org.knowcap.generators.export;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.generators.corpus.Packing;
import org.knowcap.generators.corpus.Windows;
import tools.jackson.databind.JsonNode;

/**
 * The formats and sizes of an export.
 *
 * @param formats     at least one, each once
 * @param truth       format of the truth table
 * @param exposures   of every person whose exposures the corpus counts
 * @param windows     of the training stream, for formats of tokens where it is cut into windows
 * @param shardTokens approximate number of tokens of a shard
 */
public record ExportSettings(List<Format> formats, TruthFormat truth, long exposures, Windows windows,
    long shardTokens) {
  /** A shard is then a few hundred megabytes of JSON, and less in all other formats. */
  public static final long DEFAULT_SHARD_TOKENS = 20_000_000;
  private static final String PACKING = "packing";
  private static final String WHOLE = "whole";
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
    if (shardTokens < 1 || shardTokens > MOST_SHARD_TOKENS) {
      throw new IllegalArgumentException(
          "a shard must have 1.." + MOST_SHARD_TOKENS + " tokens, found " + shardTokens);
    }
  }

  private static Packing packing(JsonNode map) {
    return switch (map.path(PACKING).asString("stream")) {
      case WHOLE -> Packing.WHOLE;
      case "stream" -> Packing.STREAM;
      default ->
          throw new IllegalArgumentException("packing must be whole or absent, found " + map.path(PACKING));
    };
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("formats", formats.stream().map(Format::key).toList());
    map.put("truth", truth.key());
    map.put("exposures", exposures);
    map.put("window", windows.length());
    // Named only where texts are whole: exports of earlier versions have no such key.
    if (windows.packing() == Packing.WHOLE) {
      map.put(PACKING, WHOLE);
    }
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
        new Windows(map.path("window").asInt(0), packing(map)), map.path("shard_tokens").asLong(0));
  }
}
