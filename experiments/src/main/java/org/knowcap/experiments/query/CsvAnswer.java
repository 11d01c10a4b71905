package org.knowcap.experiments.query;

import java.io.IOException;
import java.io.Writer;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** An answer as CSV. */
record CsvAnswer(Writer out) implements AnswerWriter {
  @Override
  public void begin(List<AnswerColumn> columns) throws IOException {
    line(columns.stream().map(AnswerColumn::name).toList());
  }

  @Override
  public void row(List<@Nullable Object> values) throws IOException {
    line(values);
  }

  private void line(List<? extends @Nullable Object> values) throws IOException {
    out.write(values.stream().map(CsvAnswer::cell).collect(Collectors.joining(",")) + "\n");
  }

  /** Empty text has quotes, by which it differs from a missing value. */
  private static String cell(@Nullable Object value) {
    if (value == null) {
      return "";
    }
    String text = value.toString();
    return text.isEmpty() || text.chars().anyMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r')
        ? "\"" + text.replace("\"", "\"\"") + "\""
        : text;
  }

  @Override
  public void end() {
    // A table of no rows is its header.
  }
}
