package org.knowcap.experiments.query;

import java.io.IOException;
import java.io.Writer;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** An answer as a tabular of LaTeX. */
record LatexAnswer(Writer out) implements AnswerWriter {
  /** What means something to LaTeX, and how it is written. */
  private static final Map<Integer, String> ESCAPED = Map.ofEntries(
      Map.entry((int) '\\', "\\textbackslash{}"), Map.entry((int) '~', "\\textasciitilde{}"),
      Map.entry((int) '^', "\\textasciicircum{}"), Map.entry((int) '<', "\\textless{}"),
      Map.entry((int) '>', "\\textgreater{}"), Map.entry((int) '|', "\\textbar{}"),
      Map.entry((int) '&', "\\&"), Map.entry((int) '%', "\\%"), Map.entry((int) '$', "\\$"),
      Map.entry((int) '#', "\\#"), Map.entry((int) '_', "\\_"), Map.entry((int) '{', "\\{"),
      Map.entry((int) '}', "\\}"), Map.entry((int) '\n', " "), Map.entry((int) '\r', " "));

  @Override
  public void begin(List<AnswerColumn> columns) throws IOException {
    String kinds = columns.stream().map(column -> column.number() ? "r" : "l").collect(Collectors.joining());
    out.write("% needs \\usepackage{booktabs}\n\\begin{tabular}{" + kinds + "}\n\\toprule\n");
    line(columns.stream().map(AnswerColumn::name).toList());
    out.write("\\midrule\n");
  }

  @Override
  public void row(List<@Nullable Object> values) throws IOException {
    line(values);
  }

  private void line(List<? extends @Nullable Object> values) throws IOException {
    out.write(values.stream().map(LatexAnswer::cell).collect(Collectors.joining(" & ", "", " \\\\\n")));
  }

  private static String cell(@Nullable Object value) {
    return switch (value) {
      case null -> "";
      case Number number -> number(number.toString());
      default -> value.toString()
          .codePoints()
          .mapToObj(c -> ESCAPED.containsKey(c) ? ESCAPED.get(c) : Character.toString(c))
          .collect(Collectors.joining());
    };
  }

  /** In mathematics, where a minus is one; "1.5E-7" as a product with a power of ten. */
  private static String number(String text) {
    int exponent = text.indexOf('E');
    return exponent < 0
        ? "$" + text + "$"
        : "$" + text.substring(0, exponent) + " \\times 10^{" + text.substring(exponent + 1).replace("+", "")
            + "}$";
  }

  @Override
  public void end() throws IOException {
    out.write("\\bottomrule\n\\end{tabular}\n");
  }
}
