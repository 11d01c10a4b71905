package org.knowcap.experiments;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Rows of a study's results.csv, to compare them with another's. */
public final class ResultRows {
  /** Times, which two runs never share. */
  private static final List<String> TIMES = List.of("seconds", "tokens_per_second");

  private ResultRows() {}

  /** Rows by run, without times; of corpora whose names have no commas. */
  public static Map<String, String> withoutTimes(Path study) throws IOException {
    List<String> lines = Files.readAllLines(study.resolve("results.csv"));
    List<String> columns = List.of(lines.getFirst().split(","));
    assertTrue(columns.containsAll(TIMES), columns.toString());
    Map<String, String> rows = new TreeMap<>();
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      assertEquals(columns.size(), cells.length, line);
      TIMES.forEach(time -> cells[columns.indexOf(time)] = "");
      assertNull(rows.put(cells[0], String.join(",", cells)), "twice: " + line);
    }
    return rows;
  }
}
