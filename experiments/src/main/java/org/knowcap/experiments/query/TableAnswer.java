package org.knowcap.experiments.query;

import java.io.IOException;
import java.io.Writer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.knowcap.analysis.units.Units;

/** An answer in aligned columns, for a terminal. */
final class TableAnswer implements AnswerWriter {
  private static final int DIGITS = 6;
  private static final String BETWEEN = "  ";

  private final Writer out;
  private final List<AnswerColumn> columns = new ArrayList<>();
  /** Rows are kept because the widths of the columns depend on all of them. */
  private final List<List<String>> rows = new ArrayList<>();

  TableAnswer(Writer out) {
    this.out = out;
  }

  @Override
  public void begin(List<AnswerColumn> all) {
    columns.addAll(all);
    rows.add(all.stream().map(AnswerColumn::name).toList());
  }

  @Override
  public void row(List<@Nullable Object> values) {
    rows.add(values.stream().map(TableAnswer::cell).toList());
  }

  private static String cell(@Nullable Object value) {
    return switch (value) {
      case null -> "";
      case Double number when Double.isFinite(number) -> Units.number(number, DIGITS);
      default -> value.toString().replaceAll("\\R", " ");
    };
  }

  @Override
  public void end() throws IOException {
    int[] widths = new int[columns.size()];
    for (int i = 0; i < widths.length; i++) {
      int column = i;
      widths[i] = rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
    }
    for (int number = 0; number < rows.size(); number++) {
      line(rows.get(number), widths);
      if (number == 0) {
        int width = BETWEEN.length() * (widths.length - 1);
        for (int each : widths) {
          width += each;
        }
        out.write("-".repeat(width) + "\n");
      }
    }
    if (rows.size() == 1) {
      out.write("(no rows)\n");
    }
  }

  private void line(List<String> cells, int[] widths) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String spaces = " ".repeat(widths[i] - cells.get(i).length());
      line.append(i == 0 ? "" : BETWEEN)
          .append(columns.get(i).number() ? spaces + cells.get(i) : cells.get(i) + spaces);
    }
    out.write(line.toString().stripTrailing() + "\n");
  }
}
