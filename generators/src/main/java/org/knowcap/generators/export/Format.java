package org.knowcap.generators.export;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What training programs read. */
public enum Format {
  /** A JSON object an item: text, tokens, spans and values. */
  JSONL,
  /** The same as JSONL, as columns. */
  PARQUET,
  /** A line of text an item. */
  TXT,
  /** The stream's tokens in one file, 16 bits each. */
  NANOGPT,
  /** The stream's tokens behind a header. */
  LLMC,
  /** The stream's tokens, and an index of the sequences. */
  MEGATRON;

  /** As in "jsonl": on the command line, and as the name of the directory. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** @throws IllegalArgumentException if there is no such format */
  public static Format of(String key) {
    return Arrays.stream(values())
        .filter(format -> format.key().equals(key))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("a format must be one of "
            + Arrays.stream(values()).map(Format::key).collect(Collectors.joining(", ")) + ", found " + key));
  }
}
