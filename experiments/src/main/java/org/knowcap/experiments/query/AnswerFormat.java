package org.knowcap.experiments.query;

import java.io.Writer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The forms of an answer. */
public enum AnswerFormat {
  /** Aligned columns for a terminal, numbers to six digits. */
  TABLE("txt"),
  /** RFC 4180, UTF-8, lines ending in LF; what is missing is an empty cell. */
  CSV("csv"),
  /** An array of objects, one a line; what is missing or no finite number is null. */
  JSON("json"),
  /** A table of GitHub's Markdown. */
  MARKDOWN("md"),
  /** A tabular with rules of the package booktabs. */
  LATEX("tex"),
  /** Columns with types, compressed. */
  PARQUET("parquet");

  private final String ending;

  AnswerFormat(String ending) {
    this.ending = ending;
  }

  /** The format that a file's name ends in. */
  public static Optional<AnswerFormat> of(Path file) {
    return Arrays.stream(values())
        .filter(format -> file.toString().toLowerCase(Locale.ROOT).endsWith("." + format.ending))
        .findFirst();
  }

  /**
   * Writes an answer as text.
   *
   * @throws IllegalArgumentException for Parquet, which is no text
   */
  public AnswerWriter writer(Writer out) {
    return switch (this) {
      case TABLE -> new TableAnswer(out);
      case CSV -> new CsvAnswer(out);
      case JSON -> new JsonAnswer(out);
      case MARKDOWN -> new MarkdownAnswer(out);
      case LATEX -> new LatexAnswer(out);
      case PARQUET -> throw new IllegalArgumentException("Parquet is no text");
    };
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
