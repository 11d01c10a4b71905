package org.knowcap.experiments.query;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.duckdb.DuckDBAppender;
import org.duckdb.DuckDBConnection;
import org.jspecify.annotations.Nullable;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A DuckDB in memory that is given tables, is locked, and then answers a SELECT. It can write nothing, neither tables nor
 * files: DuckDB itself must say that a statement is one SELECT before it is executed, and a locked database opens no file
 * but the one that an answer is written to, loads no extension and takes no settings.
 */
public final class QueryDatabase implements AutoCloseable {
  private static final int WIDTH = 120;
  private static final Set<Integer> NUMBERS = Set.of(Types.TINYINT, Types.SMALLINT, Types.INTEGER,
      Types.BIGINT, Types.FLOAT, Types.REAL, Types.DOUBLE, Types.DECIMAL, Types.NUMERIC);
  /** Numbers that JDBC has no type for. */
  private static final Set<String> WIDE_NUMBERS = Set.of("HUGEINT", "UHUGEINT", "UBIGINT", "UINTEGER",
      "USMALLINT", "UTINYINT");

  private final DuckDBConnection connection;
  private final Map<String, List<SqlColumn>> tables = new LinkedHashMap<>();

  private QueryDatabase(DuckDBConnection connection) {
    this.connection = connection;
  }

  /**
   * An empty database.
   *
   * @throws UserException where DuckDB's library does not load on this machine
   */
  public static QueryDatabase open() {
    try {
      QueryDatabase database = new QueryDatabase(
          DriverManager.getConnection("jdbc:duckdb:").unwrap(DuckDBConnection.class));
      // With one thread, groups come in the same order and sums have the same last digits each time.
      database.execute("SET threads = 1");
      // What does not fit in memory fails, rather than fill a folder of the user's.
      database.execute("SET temp_directory = ''");
      return database;
    } catch (SQLException | LinkageError e) {
      throw UserException.failure("DuckDB, which answers queries, does not load on this machine ("
          + firstLine(String.valueOf(e.getMessage())) + "); 'knowcap results --json' needs no such library");
    }
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse("");
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Makes a table with these columns, and no rows. */
  void create(String table, List<SqlColumn> columns) {
    tables.put(table, List.copyOf(columns));
    try {
      execute("CREATE TABLE " + table
          + columns.stream()
              .map(column -> "\"" + column.name() + "\" " + column.type())
              .collect(Collectors.joining(", ", "(", ")")));
    } catch (SQLException e) {
      throw new IllegalStateException("DuckDB makes no table " + table, e);
    }
  }

  /**
   * Adds a row for each array of values, which are of their columns' types or null. NaN becomes null: to DuckDB it is larger
   * than any number.
   */
  void fill(String table, List<@Nullable Object[]> rows) {
    try (DuckDBAppender appender = connection.createAppender(DuckDBConnection.DEFAULT_SCHEMA, table)) {
      for (@Nullable
      Object[] row : rows) {
        appender.beginRow();
        for (Object value : row) {
          append(appender, value);
        }
        appender.endRow();
      }
    } catch (SQLException e) {
      throw new IllegalStateException("DuckDB does not take the rows of " + table, e);
    }
  }

  private static void append(DuckDBAppender appender, @Nullable Object value) throws SQLException {
    switch (value) {
      case null -> appender.appendNull();
      case Double number when number.isNaN() -> appender.appendNull();
      case Double number -> appender.append(number.doubleValue());
      case Long number -> appender.append(number.longValue());
      case Integer number -> appender.append(number.intValue());
      case Boolean truth -> appender.append(truth.booleanValue());
      case String text -> appender.append(text);
      default -> throw new IllegalArgumentException("no column holds a " + value.getClass());
    }
  }

  /**
   * Adds the rows of a Parquet file.
   *
   * @param values what each column gets, in SQL over the file's columns; a question mark is one of the constants
   * @throws UserException where the file cannot be read, or lacks a column
   */
  void fill(String table, List<String> values, List<String> constants, Path parquet) {
    String sql = "INSERT INTO " + table + " SELECT " + String.join(", ", values) + " FROM read_parquet(?)";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      int at = 1;
      for (String constant : constants) {
        statement.setString(at++, constant);
      }
      statement.setString(at, parquet.toString());
      statement.execute();
    } catch (SQLException e) {
      throw UserException
          .usage(parquet + " is no table of people, as 'knowcap measure --people' writes it: " + problem(e));
    }
  }

  /** Closes the database's doors: it can read and write no file from now on. */
  public void lock() {
    try {
      execute("SET autoinstall_known_extensions = false");
      execute("SET autoload_known_extensions = false");
      execute("SET enable_external_access = false");
      execute("SET lock_configuration = true");
    } catch (SQLException e) {
      throw new IllegalStateException("DuckDB does not take a setting", e);
    }
  }

  /** Closes the doors but for one file, which {@link #writeParquet} may write. */
  public void lockBut(Path output) {
    try {
      execute("SET allowed_paths = ['" + quoted(output) + "']");
    } catch (SQLException e) {
      throw new IllegalStateException("DuckDB does not take a path", e);
    }
    lock();
  }

  private static String quoted(Path file) {
    return file.toAbsolutePath().toString().replace("'", "''");
  }

  /**
   * Reads a statement, without executing it.
   *
   * @throws UserException where it is not one SELECT
   */
  public Select parse(String sql) {
    JsonNode read = serialised(sql);
    if (read.path("error").asBoolean(true)) {
      String message = read.path("error_message").asString("");
      throw UserException.usage(message.startsWith("Only SELECT")
          ? "query only reads, and takes a SELECT (or DESCRIBE, SUMMARIZE, SHOW TABLES), found: "
              + firstLine(sql.strip())
          : "the SQL cannot be read: " + message + place(sql, read.path("position").asString("")));
    }
    JsonNode statements = read.path("statements");
    if (statements.size() != 1) {
      throw UserException.usage("query takes one SELECT, found " + statements.size() + " statements");
    }
    Set<String> names = new TreeSet<>();
    collectTables(statements, names);
    return new Select(withoutEnd(sql), names);
  }

  /** A statement without its semicolon, also where a comment comes behind it. */
  private String withoutEnd(String sql) {
    for (int end = sql.lastIndexOf(';'); end >= 0; end = sql.lastIndexOf(';', end - 1)) {
      String statement = sql.substring(0, end);
      if (statements(statement) == 1 && statements(sql.substring(end + 1)) == 0) {
        return withoutEnd(statement);
      }
    }
    return sql;
  }

  /** Number of SELECT statements in a text; -1 where it is no such SQL. */
  private int statements(String sql) {
    JsonNode read = serialised(sql);
    return read.path("error").asBoolean(true) ? -1 : read.path("statements").size();
  }

  /** DuckDB's own reading of a statement. */
  private JsonNode serialised(String sql) {
    try (PreparedStatement statement = connection.prepareStatement("SELECT json_serialize_sql(?::VARCHAR)")) {
      statement.setString(1, sql);
      try (ResultSet answer = statement.executeQuery()) {
        answer.next();
        return Json.MAPPER.readTree(answer.getString(1));
      }
    } catch (SQLException e) {
      throw UserException.usage("the SQL cannot be read: " + problem(e));
    } catch (JacksonException e) {
      throw UserException.usage("the SQL cannot be read: it is nested too deep");
    }
  }

  private static String place(String sql, String position) {
    return position.matches("\\d{1,9}") && Integer.parseInt(position) < sql.length()
        ? ", character " + (Integer.parseInt(position) + 1) + " (\""
            + firstLine(sql.substring(Integer.parseInt(position),
                Math.min(sql.length(), Integer.parseInt(position) + 20)))
            + "\")"
        : "";
  }

  private static void collectTables(JsonNode node, Set<String> names) {
    if (node.path("type").asString("").equals("BASE_TABLE")) {
      names.add(node.path("table_name").asString("").toLowerCase(Locale.ROOT));
    }
    node.forEach(inner -> collectTables(inner, names));
  }

  /**
   * Executes a query.
   *
   * @throws UserException where DuckDB refuses it, with the tables and columns that there are
   */
  public void answer(Select select, AnswerWriter writer) throws IOException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(select.sql())) {
      ResultSetMetaData columns = rows.getMetaData();
      List<AnswerColumn> heading = new ArrayList<>();
      for (int i = 1; i <= columns.getColumnCount(); i++) {
        heading.add(new AnswerColumn(columns.getColumnName(i), NUMBERS.contains(columns.getColumnType(i))
            || WIDE_NUMBERS.contains(columns.getColumnTypeName(i))));
      }
      writer.begin(List.copyOf(heading));
      while (rows.next()) {
        @Nullable
        Object[] values = new Object[heading.size()];
        for (int i = 0; i < values.length; i++) {
          Object value = rows.getObject(i + 1);
          values[i] = value == null || value instanceof Number || value instanceof Boolean
              ? value
              : value.toString();
        }
        writer.row(Arrays.asList(values));
      }
      writer.end();
    } catch (SQLException e) {
      throw refused(select, e);
    }
  }

  /**
   * Executes a query, and writes its answer as a Parquet file.
   *
   * @param output the file that {@link #lockBut} left open
   * @throws UserException where DuckDB refuses it, with the tables and columns that there are
   */
  public void writeParquet(Select select, Path output) {
    try {
      // The end of the line ends a comment behind the query.
      execute("COPY (" + select.sql() + "\n) TO '" + quoted(output) + "' (FORMAT parquet, COMPRESSION zstd)");
    } catch (SQLException e) {
      throw refused(select, e);
    }
  }

  /** What DuckDB refuses, with the columns of the tables that the query names, or with the tables that it could name. */
  private UserException refused(Select select, SQLException e) {
    List<String> named = tables.keySet().stream().filter(select.tables()::contains).toList();
    return UserException.usage("the query fails: " + problem(e)
        + (named.isEmpty()
            ? "; the tables are " + String.join(", ", tables.keySet())
            : named.stream()
                .map(table -> "\n" + wrapped(table + " has the columns "
                    + tables.get(table).stream().map(SqlColumn::name).collect(Collectors.joining(", "))))
                .collect(Collectors.joining())));
  }

  private static String wrapped(String line) {
    return line.replaceAll("(.{1," + WIDTH + "})(?: |$)", "$1\n  ").stripTrailing();
  }

  /** DuckDB's message without the query's text, in one line. */
  private static String problem(SQLException e) {
    String message = String.valueOf(e.getMessage());
    int query = message.indexOf("\n\nLINE ");
    String problem = (query < 0 ? message : message.substring(0, query))
        .replaceFirst("^[A-Z][A-Za-z ]* Error: ", "")
        .strip()
        .replaceAll("\\s*\\R\\s*", " ");
    return message.startsWith("Permission Error")
        ? problem + "; a query sees its own tables, and no files"
        : problem;
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw new IllegalStateException("DuckDB does not close", e);
    }
  }
}
