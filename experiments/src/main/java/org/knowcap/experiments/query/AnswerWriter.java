package org.knowcap.experiments.query;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Takes an answer, row by row. */
public interface AnswerWriter {
  /** Takes the columns, first of all. */
  void begin(List<AnswerColumn> columns) throws IOException;

  /**
   * Takes a row.
   *
   * @param values a number, a truth value, or text; null where there is none
   */
  void row(List<@Nullable Object> values) throws IOException;

  /** Takes note that all rows were there. */
  void end() throws IOException;
}
