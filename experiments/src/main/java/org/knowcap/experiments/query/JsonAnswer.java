package org.knowcap.experiments.query;

import java.io.IOException;
import java.io.Writer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;

/** An answer as a JSON array of objects. */
final class JsonAnswer implements AnswerWriter {
  private final Writer out;
  private final List<String> names = new ArrayList<>();
  private String before = "[";

  JsonAnswer(Writer out) {
    this.out = out;
  }

  @Override
  public void begin(List<AnswerColumn> columns) {
    Set<String> seen = new HashSet<>();
    for (AnswerColumn column : columns) {
      if (!seen.add(column.name())) {
        throw UserException.usage("two columns of the answer are named '" + column.name()
            + "', which JSON cannot have; name one of them with AS");
      }
      names.add(column.name());
    }
  }

  @Override
  public void row(List<@Nullable Object> values) throws IOException {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    for (int i = 0; i < values.size(); i++) {
      Object value = values.get(i);
      row.put(names.get(i),
          value instanceof Number number && !Double.isFinite(number.doubleValue()) ? null : value);
    }
    out.write(before + "\n" + Json.MAPPER.writeValueAsString(row));
    before = ",";
  }

  @Override
  public void end() throws IOException {
    out.write(before.equals("[") ? "[]\n" : "\n]\n");
  }
}
