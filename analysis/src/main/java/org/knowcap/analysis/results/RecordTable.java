package org.knowcap.analysis.results;

import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.LongColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;
import tech.tablesaw.columns.Column;

/**
 * A Tablesaw table of records: their components give the columns, their order and their types. A component that is
 * itself a record gives the columns of its own components.
 */
final class RecordTable {
  private RecordTable() {}

  /**
   * The table of these records, one a row.
   *
   * @param type whose components are doubles and strings, present or not, longs, ints, booleans, and records of such
   */
  static <R extends Record> Table of(Class<R> type, List<R> records) {
    Table table = Table.create("results");
    addColumns(table, type, records);
    return table;
  }

  private static void addColumns(Table table, Class<?> type, List<? extends Record> records) {
    for (RecordComponent component : type.getRecordComponents()) {
      Stream<Object> values = records.stream().map(row -> value(component, row));
      if (component.getType().isRecord()) {
        addColumns(table, component.getType(), values.map(Record.class::cast).toList());
      } else {
        table.addColumns(column(columnName(component), component.getType(), values));
      }
    }
  }

  /** Names of the columns. */
  static List<String> columns(Class<?> type) {
    return Stream.of(type.getRecordComponents())
        .flatMap(component -> component.getType().isRecord()
            ? columns(component.getType()).stream()
            : Stream.of(columnName(component)))
        .toList();
  }

  /** Names of the columns whose cells may be empty. */
  static List<String> optionalColumns(Class<?> type) {
    return Stream.of(type.getRecordComponents())
        .flatMap(component -> component.getType().isRecord()
            ? optionalColumns(component.getType()).stream()
            : Stream.of(component)
                .filter(each -> each.getType() == OptionalDouble.class || each.getType() == Optional.class)
                .map(RecordTable::columnName))
        .toList();
  }

  /** nameLossNats is the column name_loss_nats. */
  static String columnName(RecordComponent component) {
    return component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  private static Column<?> column(String name, Class<?> type, Stream<Object> values) {
    if (type == double.class) {
      return DoubleColumn.create(name, values.mapToDouble(value -> (Double) value));
    }
    if (type == OptionalDouble.class) {
      DoubleColumn column = DoubleColumn.create(name);
      values.map(OptionalDouble.class::cast)
          .forEach(value -> value.ifPresentOrElse(column::append, column::appendMissing));
      return column;
    }
    if (type == long.class) {
      return LongColumn.create(name, values.mapToLong(value -> (Long) value));
    }
    if (type == int.class) {
      return IntColumn.create(name, values.mapToInt(value -> (Integer) value));
    }
    if (type == Optional.class) {
      StringColumn column = StringColumn.create(name);
      values.map(Optional.class::cast).forEach(value -> {
        if (value.isPresent()) {
          column.append(value.get().toString());
        } else {
          column.appendMissing();
        }
      });
      return column;
    }
    return StringColumn.create(name, values.map(Object::toString));
  }

  private static Object value(RecordComponent component, Record row) {
    try {
      return component.getAccessor().invoke(row);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("no accessor for " + component.getName(), e);
    }
  }
}
