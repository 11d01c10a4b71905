package org.knowcap.generators.export;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Formats of the truth table. */
public enum TruthFormat {
  PARQUET,
  JSONL,
  /** No table. */
  NONE;

  /** The name on the command line, such as "jsonl". */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** @throws IllegalArgumentException if there is no such format */
  public static TruthFormat of(String key) {
    return Arrays.stream(values())
        .filter(format -> format.key().equals(key))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("the truth table's format must be one of "
            + Arrays.stream(values()).map(TruthFormat::key).collect(Collectors.joining(", ")) + ", found "
            + key));
  }
}
