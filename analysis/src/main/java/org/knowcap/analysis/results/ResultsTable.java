package org.knowcap.analysis.results;

import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.StringReader;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.knowcap.analysis.files.WholeFile;
import tech.tablesaw.api.ColumnType;
import tech.tablesaw.api.Table;
import tech.tablesaw.io.AddCellToColumnException;
import tech.tablesaw.io.csv.CsvReadOptions;
import tech.tablesaw.io.csv.CsvWriteOptions;

/**
 * Measured runs as a Tablesaw table, one row a run. The record {@link RunResult} is the schema: its
 * components give the columns, their order and their types.
 */
public final class ResultsTable {
  private static final List<RecordComponent> FIELDS = List.of(RunResult.class.getRecordComponents());
  private static final List<String> COLUMNS = FIELDS.stream().map(RecordTable::columnName).toList();

  private final List<RunResult> results;

  private ResultsTable(List<RunResult> results) {
    this.results = List.copyOf(results);
  }

  /** Table of these runs, in this order. */
  public static ResultsTable of(List<RunResult> results) {
    return new ResultsTable(results);
  }

  /** The runs, in the order of the rows. */
  public List<RunResult> results() {
    return results;
  }

  /** A fresh Tablesaw table of the runs, for whoever wants to sort, filter or join it. */
  public Table table() {
    return RecordTable.of(RunResult.class, results);
  }

  /**
   * Writes the table as CSV, UTF-8, one line a run; every number reads back as the same number.
   *
   * @throws IOException if the file cannot be written; an older one is then still whole
   */
  public void writeCsv(Path file) throws IOException {
    WholeFile.write(file, out -> table().write().csv(CsvWriteOptions
        .builder(new OutputStreamWriter(out, StandardCharsets.UTF_8)).lineEnd("\n").build()));
  }

  /**
   * Reads a table that {@link #writeCsv} wrote; the columns may have been put in another order since.
   *
   * @throws IllegalArgumentException if it is no such table; the message has the file, the line, the column
   *         and the value found
   * @throws IOException if the file cannot be read
   */
  public static ResultsTable readCsv(Path file) throws IOException {
    String text = Files.readString(file);
    // Blank lines are passed over, so rows are counted on the others.
    List<String> lines = text.lines().toList();
    int[] rowLines = IntStream.range(0, lines.size()).filter(i -> !lines.get(i).isBlank()).map(i -> i + 1)
        .toArray();
    Table table = readCells(file, text);
    for (String name : COLUMNS) {
      if (!table.containsColumn(name)) {
        throw new IllegalArgumentException(file + ", line 1: there is no column " + name + "; there are "
            + table.columnNames() + ", and there must be " + COLUMNS);
      }
    }
    for (String name : table.columnNames()) {
      if (!COLUMNS.contains(name)) {
        throw new IllegalArgumentException(file + ", line 1: unknown column " + name + "; the columns are "
            + COLUMNS);
      }
    }
    List<RunResult> results = new ArrayList<>();
    for (int row = 0; row < table.rowCount(); row++) {
      results.add(result(table, row, file + ", line " + rowLines[row + 1]));
    }
    return new ResultsTable(results);
  }

  /** The file's cells, all as text: Tablesaw guesses types and takes words such as NA for nothing. */
  private static Table readCells(Path file, String text) {
    try {
      return Table.read().usingOptions(CsvReadOptions.builder(new StringReader(text))
          .columnTypes(name -> ColumnType.STRING).missingValueIndicator("").commentPrefix('\0'));
    } catch (RuntimeException e) {
      // Tablesaw says what is wrong with a row, too short or too long, in exceptions of several types.
      String reason = e instanceof AddCellToColumnException ? e.getCause().getMessage() : e.getMessage();
      throw new IllegalArgumentException(
          file + ": not a table of results: " + reason + " (Row 0 is the header.)", e);
    }
  }

  private static RunResult result(Table table, int row, String place) {
    Object[] values = new Object[FIELDS.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = parse(FIELDS.get(i).getType(), table.getString(row, COLUMNS.get(i)),
          place + ", column " + COLUMNS.get(i));
    }
    try {
      return constructor().newInstance(values);
    } catch (InvocationTargetException e) {
      throw new IllegalArgumentException(place + ", column " + e.getCause().getMessage(), e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("RunResult has no constructor of its components", e);
    }
  }

  private static Object parse(Class<?> type, String cell, String place) {
    try {
      if (type == double.class) {
        return Double.valueOf(cell);
      }
      if (type == long.class) {
        return Long.valueOf(cell);
      }
      return type == int.class ? Integer.valueOf(cell) : cell;
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(place + ": found \"" + cell + "\"; it must be a "
          + (type == double.class ? "number" : "whole number"), e);
    }
  }

  private static Constructor<RunResult> constructor() throws NoSuchMethodException {
    return RunResult.class
        .getDeclaredConstructor(FIELDS.stream().map(RecordComponent::getType).toArray(Class<?>[]::new));
  }
}
