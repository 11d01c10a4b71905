package org.knowcap.experiments.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.knowcap.analysis.units.Units;
import tech.tablesaw.api.NumericColumn;
import tech.tablesaw.api.Table;
import tech.tablesaw.columns.Column;

/** A table for a terminal. Numbers have four digits, and a heading has at most two lines. */
final class TextTable {
  /** Characters of a line that most terminals have room for. */
  static final int WIDTH = 120;

  /** Headings of columns whose names would make them wider than their numbers; docs/measuring.md has them, too. */
  static final Map<String, String> HEADINGS = Map.ofEntries(Map.entry("parameters", "P"),
      Map.entry("active_parameters", "active P"), Map.entry("frozen_parameters", "frozen P"),
      Map.entry("memory_parameters", "memory P"), Map.entry("against_parameters", "against P"),
      Map.entry("complete_exposures", "complete"), Map.entry("capacity_ratio", "R"),
      Map.entry("max_capacity_ratio", "R^max"), Map.entry("saturation", "share stored"),
      Map.entry("stored_bits_standard_error", "±"), Map.entry("name_stored_bits", "in names"),
      Map.entry("value_stored_bits", "in values"), Map.entry("diversity_stored_bits", "in diversity"),
      Map.entry("capacity_ratio_deviation", "R deviation"),
      Map.entry("capacity_ratio_interval", "R interval"), Map.entry("least_capacity_ratio", "least R"),
      Map.entry("greatest_capacity_ratio", "greatest R"));

  private static final int DIGITS = 4;
  private static final String BETWEEN = "  ";

  /**
   * A table that fits a terminal.
   *
   * @param text its lines, without an end of line after the last
   * @param omitted names of the columns that it has no room for
   */
  record Fitted(String text, List<String> omitted) {}

  /** One column: its name, its heading's two lines, and its cells. */
  private record Cells(String name, List<String> heading, List<String> cells, int width, boolean right) {
    static Cells of(Column<?> column) {
      return of(column.name(), HEADINGS.getOrDefault(column.name(), column.name().replace('_', ' ')),
          IntStream.range(0, column.size()).mapToObj(row -> cell(column, row)).toList(),
          column instanceof NumericColumn<?>);
    }

    static Cells of(String name, String title, List<String> cells, boolean right) {
      List<String> heading = heading(title);
      return new Cells(name, heading, cells, Math.max(widest(cells), widest(heading)), right);
    }

    /** One line if it has one word, else the two lines that are narrowest. */
    private static List<String> heading(String text) {
      List<String> best = List.of("", text);
      for (int at = text.indexOf(' '); at >= 0; at = text.indexOf(' ', at + 1)) {
        List<String> lines = List.of(text.substring(0, at), text.substring(at + 1));
        if (widest(lines) < widest(best)) {
          best = lines;
        }
      }
      return best;
    }

    private static int widest(List<String> texts) {
      return texts.stream().mapToInt(String::length).max().orElse(0);
    }

    private static String cell(Column<?> column, int row) {
      if (column.isMissing(row)) {
        return "";
      }
      return column.get(row) instanceof Double number
          ? Units.number(number, DIGITS)
          : column.get(row).toString();
    }

    /** The heading in one line. */
    String title() {
      return String.join(" ", heading).strip();
    }

    String padded(String text) {
      String spaces = " ".repeat(width - text.length());
      return right ? spaces + text : text + spaces;
    }
  }

  private TextTable() {}

  /** The lines of the whole table, one for each row, without an end of line after the last. */
  static String wide(Table table) {
    return text(List.of(), table.columns().stream().map(Cells::of).toList(), table.rowCount());
  }

  /**
   * The table in lines of {@link #WIDTH} characters. If a line has no room for all columns, those that say what the row is of get
   * a line of their own above the others, and as many of the others are left out, from the end, as have no room even so. (A name
   * without spaces may be longer than a line.)
   *
   * @param names how many columns, from the first on, say what the row is of: names, and numbers such as P
   */
  static Fitted fitted(Table table, int names) {
    return fitted(table.columns().stream().map(Cells::of).toList(), names);
  }

  /**
   * A table of cells that are text already, laid out in the same way.
   *
   * @param columns cells by heading; those of the first column are flush left, all others flush right
   * @param names how many columns, from the first on, say what the row is of
   */
  static Fitted fitted(Map<String, List<String>> columns, int names) {
    List<Cells> all = new ArrayList<>();
    columns.forEach((heading, cells) -> all.add(Cells.of(heading, heading, cells, !all.isEmpty())));
    return fitted(all, names);
  }

  private static Fitted fitted(List<Cells> all, int names) {
    int rows = all.getFirst().cells.size();
    if (width(all) <= WIDTH) {
      return new Fitted(text(List.of(), all, rows), List.of());
    }
    List<Cells> figures = new ArrayList<>();
    for (Cells column : all.subList(names, all.size())) {
      figures.add(column);
      if (width(figures) > WIDTH) {
        figures.removeLast();
        break;
      }
    }
    return new Fitted(text(all.subList(0, names), figures, rows),
        all.subList(names + figures.size(), all.size()).stream().map(Cells::name).toList());
  }

  /** A text in lines of at most {@link #WIDTH} characters, if no word is longer. */
  static String wrapped(String text) {
    StringBuilder lines = new StringBuilder();
    int line = 0;
    for (String word : text.split(" ")) {
      boolean fits = line + 1 + word.length() <= WIDTH;
      lines.append(line == 0 ? "" : fits ? " " : "\n").append(word);
      line = line > 0 && fits ? line + 1 + word.length() : word.length();
    }
    return lines.toString();
  }

  private static int width(List<Cells> columns) {
    return columns.stream().mapToInt(Cells::width).sum() + BETWEEN.length() * (columns.size() - 1);
  }

  /** @param names columns that stand above the others; may be none */
  private static String text(List<Cells> names, List<Cells> columns, int rows) {
    List<String> lines = new ArrayList<>();
    if (!names.isEmpty()) {
      lines.add(names.stream().map(Cells::title).collect(Collectors.joining(", ")));
    }
    for (int line = 0; line < 2; line++) {
      int at = line;
      lines.add(columns.stream()
          .map(column -> column.padded(column.heading.get(at)))
          .collect(Collectors.joining(BETWEEN)));
    }
    lines.add("-".repeat(width(columns)));
    for (int row = 0; row < rows; row++) {
      int at = row;
      if (!names.isEmpty()) {
        lines.add(wrapped(names.stream()
            .filter(column -> !column.cells.get(at).isEmpty())
            .map(column -> (column.right ? column.title() + " " : "") + column.cells.get(at))
            .collect(Collectors.joining(", "))));
      }
      lines.add(columns.stream()
          .map(column -> column.padded(column.cells.get(at)))
          .collect(Collectors.joining(BETWEEN)));
    }
    return lines.stream()
        .map(String::stripTrailing)
        .filter(line -> !line.isEmpty())
        .collect(Collectors.joining("\n"));
  }
}
