package org.knowcap.analysis.results;

import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.StringReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.files.WholeFile;
import tech.tablesaw.api.ColumnType;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;
import tech.tablesaw.io.AddCellToColumnException;
import tech.tablesaw.io.csv.CsvReadOptions;
import tech.tablesaw.io.csv.CsvWriteOptions;

/**
 * Measured runs as a Tablesaw table, one row a run, and one for each time that a run's model was quantised. The
 * record {@link RunResult} is the schema: its components give the columns, their order and their types. If there are
 * quantised models, the columns of {@link QuantisedResult} follow.
 */
public final class ResultsTable {
  private static final Pattern NUMBER = Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?|NaN");
  private static final String ONE_SEED = "seed";
  private static final String SATURATION = "saturation";
  private static final String LIMIT = "limited_by";

  private final List<QuantisedResult> rows;

  private ResultsTable(List<QuantisedResult> rows) {
    this.rows = List.copyOf(rows);
  }

  /** Table of these runs, in this order. */
  public static ResultsTable of(List<RunResult> results) {
    return ofRows(results.stream().map(QuantisedResult::unquantised).toList());
  }

  /** Table of runs and quantised models, in this order. */
  public static ResultsTable ofRows(List<QuantisedResult> rows) {
    return new ResultsTable(rows);
  }

  /** All rows, in their order. */
  public List<QuantisedResult> rows() {
    return rows;
  }

  /** The runs alone, in the order of the rows. */
  public List<RunResult> results() {
    return rows.stream().filter(row -> !row.quantised()).map(QuantisedResult::run).toList();
  }

  /** The quantised models alone, in the order of the rows. */
  public List<QuantisedResult> quantised() {
    return rows.stream().filter(QuantisedResult::quantised).toList();
  }

  /** The rows of rounded weights, in training or after it, in the order of the rows. */
  public List<QuantisedResult> rounded() {
    return rows.stream().filter(QuantisedResult::rounded).toList();
  }

  /** A new Tablesaw table of the rows, which callers may sort, filter or join. */
  public Table table() {
    return rounded().isEmpty()
        ? RecordTable.of(RunResult.class, results())
        : RecordTable.of(QuantisedResult.class, rows);
  }

  /** The runs as a table, with the columns of {@link QuantisedResult}. */
  public Table runsTable() {
    return RecordTable.of(QuantisedResult.class, rows.stream().filter(row -> !row.quantised()).toList());
  }

  /** The quantised models as a table, with the columns of {@link QuantisedResult}. */
  public Table quantisedTable() {
    return RecordTable.of(QuantisedResult.class, quantised());
  }

  /**
   * Writes the table as CSV, UTF-8, one line a run; every number reads back as the same number.
   *
   * @throws IOException if the file cannot be written; an older one is then still whole
   */
  public void writeCsv(Path file) throws IOException {
    writeCsv(file, table());
  }

  /**
   * Writes other records as CSV in the same way: a column for each component, in snake_case.
   *
   * @throws IOException if the file cannot be written; an older one is then still whole
   */
  public static <R extends Record> void writeCsv(Path file, Class<R> type, List<R> records)
      throws IOException {
    writeCsv(file, RecordTable.of(type, records));
  }

  private static void writeCsv(Path file, Table table) throws IOException {
    WholeFile.write(file,
        out -> table.write()
            .csv(CsvWriteOptions.builder(new OutputStreamWriter(out, StandardCharsets.UTF_8))
                .lineEnd("\n")
                .build()));
  }

  /**
   * Reads a table that {@link #writeCsv} wrote; the columns may have been put in another order since.
   *
   * @throws ResultsException if it is no such table; the message has the file, the line, the column
   *         and the value found
   * @throws IOException if the file cannot be read
   */
  public static ResultsTable readCsv(Path file) throws IOException {
    String text = text(file);
    int[] rowLines = rowLines(text);
    Table table = withRecall(upgraded(readCells(file, text)));
    boolean quantised = table.containsColumn("weight_bits");
    List<String> columns = RecordTable.columns(quantised ? QuantisedResult.class : RunResult.class);
    requireColumns(file, table, columns, RecordTable.optionalColumns(QuantisedResult.class));
    List<QuantisedResult> rows = new ArrayList<>();
    for (int row = 0; row < table.rowCount(); row++) {
      String place = file + ", line " + rowLines[row + 1];
      rows.add(quantised
          ? result(QuantisedResult.class, table, row, place)
          : QuantisedResult.unquantised(result(RunResult.class, table, row, place)));
    }
    return new ResultsTable(rows);
  }

  /** The rows of a table whose columns are the components of a record. */
  static <R extends Record> List<R> rows(Path file, Class<R> type) throws IOException {
    String text = text(file);
    int[] rowLines = rowLines(text);
    Table table = readCells(file, text);
    requireColumns(file, table, RecordTable.columns(type), RecordTable.optionalColumns(type));
    return IntStream.range(0, table.rowCount())
        .mapToObj(row -> result(type, table, row, file + ", line " + rowLines[row + 1]))
        .toList();
  }

  /** Blank lines are passed over, so rows are counted on the others. */
  private static int[] rowLines(String text) {
    List<String> lines = text.lines().toList();
    return IntStream.range(0, lines.size()).filter(i -> !lines.get(i).isBlank()).map(i -> i + 1).toArray();
  }

  private static void requireColumns(Path file, Table table, List<String> columns, List<String> optional) {
    for (String name : columns) {
      if (!table.containsColumn(name) && !optional.contains(name)) {
        throw new ResultsException(file + ", line 1: there is no column " + name + "; there are "
            + table.columnNames() + ", and there must be " + columns);
      }
    }
    for (String name : table.columnNames()) {
      if (!columns.contains(name)) {
        throw new ResultsException(
            file + ", line 1: unknown column " + name + "; the columns are " + columns);
      }
    }
  }

  static String text(Path file) throws IOException {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new ResultsException(file + ": not a table of results: it is not valid UTF-8", e);
    }
  }

  /** The file's cells, all as text: Tablesaw guesses types and takes words such as NA for nothing. */
  private static Table readCells(Path file, String text) {
    try {
      return Table.read()
          .usingOptions(CsvReadOptions.builder(new StringReader(text))
              .columnTypes(name -> ColumnType.STRING)
              .missingValueIndicator("")
              .commentPrefix('\0'));
    } catch (RuntimeException e) {
      // Tablesaw says what is wrong with a row, too short or too long, in exceptions of several types.
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      String reason = e instanceof AddCellToColumnException ? cause.getMessage() : e.getMessage();
      throw new ResultsException(file + ": not a table of results: " + reason + " (Row 0 is the header.)", e);
    }
  }

  /**
   * Adds what tables of earlier versions lack: they have one seed for all that is drawn, and do not say what limits
   * a run.
   */
  private static Table upgraded(Table table) {
    if (table.containsColumn(ONE_SEED)) {
      RecordTable.columns(Seeds.class)
          .forEach(name -> table.addColumns(table.stringColumn(ONE_SEED).copy().setName(name)));
      table.removeColumns(ONE_SEED);
    }
    if (!table.containsColumn(LIMIT) && table.containsColumn(SATURATION)) {
      table.addColumns(StringColumn.create(LIMIT,
          table.stringColumn(SATURATION).asList().stream().map(ResultsTable::limit)));
    }
    return table;
  }

  private static String limit(String saturation) {
    try {
      return Limit.of(Double.parseDouble(saturation), OptionalDouble.empty()).toString();
    } catch (NumberFormatException e) {
      // The cell itself is complained of when it is read.
      return Limit.UNDECIDED.toString();
    }
  }

  /**
   * Adds the columns of recall, which tables of earlier versions do not have; cells are empty where recall was not
   * measured.
   */
  private static Table withRecall(Table table) {
    for (String name : RecordTable.columns(RecallShares.class)) {
      if (RecordTable.optionalColumns(RecallShares.class).contains(name)) {
        continue;
      }
      if (!table.containsColumn(name)) {
        table.addColumns(StringColumn.create(name, table.rowCount()));
      }
      StringColumn column = table.stringColumn(name);
      column.set(column.isMissing(), "NaN");
    }
    return table;
  }

  private static <R extends Record> R result(Class<R> type, Table table, int row, String place) {
    RecordComponent[] fields = type.getRecordComponents();
    Object[] values = new Object[fields.length];
    for (int i = 0; i < values.length; i++) {
      Class<?> part = fields[i].getType();
      String column = RecordTable.columnName(fields[i]);
      values[i] = part.isRecord()
          ? result(part.asSubclass(Record.class), table, row, place)
          : parse(part, table.containsColumn(column) ? table.getString(row, column) : "",
              place + ", column " + column);
    }
    try {
      return type
          .getDeclaredConstructor(Stream.of(fields).map(RecordComponent::getType).toArray(Class<?>[]::new))
          .newInstance(values);
    } catch (InvocationTargetException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new ResultsException(place + ", column " + cause.getMessage(), cause);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(type + " has no constructor of its components", e);
    }
  }

  private static Object parse(Class<?> type, String cell, String place) {
    try {
      if (type == double.class) {
        return number(cell);
      }
      if (type == OptionalDouble.class) {
        return cell.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(number(cell));
      }
      if (type == Optional.class) {
        return Optional.of(cell).filter(text -> !text.isEmpty());
      }
      if (type == Limit.class) {
        return limit(cell, place);
      }
      if (type == long.class) {
        return Long.valueOf(cell);
      }
      if (type == boolean.class) {
        return truth(cell, place);
      }
      return type == int.class ? Integer.valueOf(cell) : cell;
    } catch (NumberFormatException e) {
      throw new ResultsException(place + ": found \"" + cell + "\"; it must be a "
          + (type == double.class || type == OptionalDouble.class ? "number" : "whole number"), e);
    }
  }

  /**
   * A number as people write it: Java's own parser takes 1d and 0x1p3, too.
   *
   * @throws NumberFormatException if the cell is none
   */
  public static double number(String cell) {
    if (!NUMBER.matcher(cell).matches()) {
      throw new NumberFormatException(cell);
    }
    return Double.parseDouble(cell);
  }

  private static Limit limit(String cell, String place) {
    return Stream.of(Limit.values())
        .filter(limit -> limit.toString().equals(cell))
        .findFirst()
        .orElseThrow(() -> new ResultsException(
            place + ": found \"" + cell + "\"; it must be one of " + List.of(Limit.values())));
  }

  private static boolean truth(String cell, String place) {
    if (!cell.equals("true") && !cell.equals("false")) {
      throw new ResultsException(place + ": found \"" + cell + "\"; it must be true or false");
    }
    return cell.equals("true");
  }
}
