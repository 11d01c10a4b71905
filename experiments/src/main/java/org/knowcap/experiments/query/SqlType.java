package org.knowcap.experiments.query;

/** Types of columns, by their names in DuckDB. */
enum SqlType {
  VARCHAR, DOUBLE, BIGINT, INTEGER, BOOLEAN
}
