package org.knowcap.analysis.results;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The table {@code frequency.csv}: what runs have learnt of people by how often these were in training. */
public final class FrequencyTable {
  private FrequencyTable() {}

  /** Whether the file's first line names the columns of such a table. */
  public static boolean isOne(Path file) throws IOException {
    return ResultsTable.text(file)
        .lines()
        .findFirst()
        .filter(header -> List.of(header.split(",", -1)).contains("exposures_from"))
        .isPresent();
  }

  /**
   * Writes the rows as CSV; every number reads back as the same number.
   *
   * @throws IOException if the file cannot be written; an older one is then still whole
   */
  public static void writeCsv(Path file, List<FrequencyRow> rows) throws IOException {
    ResultsTable.writeCsv(file, FrequencyRow.class, rows);
  }

  /**
   * Reads what {@link #writeCsv} wrote.
   *
   * @throws ResultsException if it is no such table, with the file, line, column and value found
   */
  public static List<FrequencyRow> readCsv(Path file) throws IOException {
    return ResultsTable.rows(file, FrequencyRow.class);
  }
}
