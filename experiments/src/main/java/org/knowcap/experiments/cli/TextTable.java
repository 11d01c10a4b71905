package org.knowcap.experiments.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.knowcap.analysis.units.Units;
import tech.tablesaw.api.NumericColumn;
import tech.tablesaw.api.Table;
import tech.tablesaw.columns.Column;

/**
 * A table for a terminal. Numbers have four digits, and names of columns are broken at their underscores, so that a
 * column is not wider than its cells need.
 */
final class TextTable {
  private static final int DIGITS = 4;
  private static final String BETWEEN = "  ";

  /** One column: its heading's lines and its cells. */
  private record Cells(List<String> heading, List<String> cells, int width, boolean right) {
    static Cells of(Column<?> column) {
      List<String> cells = IntStream.range(0, column.size()).mapToObj(row -> cell(column, row)).toList();
      List<String> words = List.of(column.name().split("(?<=_)"));
      int width = Math.max(cells.stream().mapToInt(String::length).max().orElse(0),
          words.stream().mapToInt(String::length).max().orElse(0));
      List<String> heading = new ArrayList<>(List.of(""));
      for (String word : words) {
        if (heading.getLast().length() + word.length() <= width) {
          heading.set(heading.size() - 1, heading.getLast() + word);
        } else {
          heading.add(word);
        }
      }
      return new Cells(heading, cells, width, column instanceof NumericColumn<?>);
    }

    private static String cell(Column<?> column, int row) {
      if (column.isMissing(row)) {
        return "";
      }
      return column.get(row) instanceof Double number
          ? Units.number(number, DIGITS)
          : column.get(row).toString();
    }

    String headingLine(int line, int lines) {
      int at = line - (lines - heading.size());
      return padded(at < 0 ? "" : heading.get(at));
    }

    String padded(String text) {
      String spaces = " ".repeat(width - text.length());
      return right ? spaces + text : text + spaces;
    }
  }

  private TextTable() {}

  /** Lines of the table, without an end of line after the last. */
  static String of(Table table) {
    List<Cells> columns = table.columns().stream().map(Cells::of).toList();
    int headings = columns.stream().mapToInt(column -> column.heading.size()).max().orElse(0);
    List<String> lines = new ArrayList<>();
    for (int line = 0; line < headings; line++) {
      int at = line;
      lines.add(columns.stream()
          .map(column -> column.headingLine(at, headings))
          .collect(Collectors.joining(BETWEEN)));
    }
    lines.add(
        "-".repeat(columns.stream().mapToInt(Cells::width).sum() + BETWEEN.length() * (columns.size() - 1)));
    for (int row = 0; row < table.rowCount(); row++) {
      int at = row;
      lines.add(columns.stream()
          .map(column -> column.padded(column.cells.get(at)))
          .collect(Collectors.joining(BETWEEN)));
    }
    return lines.stream().map(String::stripTrailing).collect(Collectors.joining("\n"));
  }
}
