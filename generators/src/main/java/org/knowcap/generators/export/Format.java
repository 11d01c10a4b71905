package org.knowcap.generators.export;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Formats that training programs read. */
public enum Format {
  /** One JSON object for each item: text, tokens, spans and values. */
  JSONL,
  /** The content of {@link #JSONL} in columns. */
  PARQUET,
  /** One line of text for each item. */
  TXT,
  /** The stream's tokens in one file, 16 bits each. */
  NANOGPT,
  /** The stream's tokens after a header. */
  LLMC,
  /** The stream's tokens, and an index of the sequences. */
  MEGATRON;

  /** The name on the command line and of the folder, such as "jsonl". */
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
