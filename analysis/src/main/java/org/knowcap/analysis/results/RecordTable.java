package org.knowcap.analysis.results;

import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.LongColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;
import tech.tablesaw.columns.Column;

/** A Tablesaw table of records: their components give the columns, their order and their types. */
final class RecordTable {
  private RecordTable() {}

  /**
   * The table of these records, one a row.
   *
   * @param type whose components are doubles, longs, ints and strings
   */
  static <R extends Record> Table of(Class<R> type, List<R> records) {
    Table table = Table.create("results");
    for (RecordComponent component : type.getRecordComponents()) {
      table.addColumns(column(component, records));
    }
    return table;
  }

  /** nameLossNats is the column name_loss_nats. */
  static String columnName(RecordComponent component) {
    return component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  private static Column<?> column(RecordComponent component, List<? extends Record> records) {
    String name = columnName(component);
    Object[] values = records.stream().map(row -> value(component, row)).toArray();
    Class<?> type = component.getType();
    if (type == double.class) {
      return DoubleColumn.create(name, Arrays.stream(values).mapToDouble(value -> (Double) value));
    }
    if (type == long.class) {
      return LongColumn.create(name, Arrays.stream(values).mapToLong(value -> (Long) value));
    }
    if (type == int.class) {
      return IntColumn.create(name, Arrays.stream(values).mapToInt(value -> (Integer) value));
    }
    return StringColumn.create(name, Arrays.stream(values).map(String.class::cast));
  }

  private static Object value(RecordComponent component, Record row) {
    try {
      return component.getAccessor().invoke(row);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("no accessor for " + component.getName(), e);
    }
  }
}
