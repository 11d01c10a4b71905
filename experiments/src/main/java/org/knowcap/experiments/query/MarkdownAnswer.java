package org.knowcap.experiments.query;

import java.io.IOException;
import java.io.Writer;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** An answer as a table of Markdown. */
record MarkdownAnswer(Writer out) implements AnswerWriter {
  @Override
  public void begin(List<AnswerColumn> columns) throws IOException {
    line(columns.stream().map(AnswerColumn::name).toList());
    out.write(columns.stream()
        .map(column -> column.number() ? "---:" : "---")
        .collect(Collectors.joining(" | ", "| ", " |\n")));
  }

  @Override
  public void row(List<@Nullable Object> values) throws IOException {
    line(values);
  }

  private void line(List<? extends @Nullable Object> values) throws IOException {
    out.write(values.stream().map(MarkdownAnswer::cell).collect(Collectors.joining(" | ", "| ", " |\n")));
  }

  private static String cell(@Nullable Object value) {
    return value == null
        ? ""
        : value.toString().replace("\\", "\\\\").replace("|", "\\|").replaceAll("\\R", "<br>");
  }

  @Override
  public void end() {
    // A table of no rows is its header.
  }
}
