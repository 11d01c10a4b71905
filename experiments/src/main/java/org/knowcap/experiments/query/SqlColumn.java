package org.knowcap.experiments.query;

/**
 * A column of a table.
 *
 * @param name in snake_case
 * @param type of its values; any of them may be missing
 */
record SqlColumn(String name, SqlType type) {}
