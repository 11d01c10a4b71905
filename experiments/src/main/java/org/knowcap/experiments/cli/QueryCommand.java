package org.knowcap.experiments.cli;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.query.AnswerFormat;
import org.knowcap.experiments.query.QueryDatabase;
import org.knowcap.experiments.query.QueryTables;
import org.knowcap.experiments.query.Select;
import org.knowcap.files.Folders;
import org.knowcap.files.WholeFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Answers questions about studies in SQL. */
@Command(
    name = "query",
    mixinStandardHelpOptions = true,
    description = "Answers a SELECT over the runs of studies, by DuckDB: tables runs (done or not), quantised, curves and people."
        + " It only reads: nothing of a study is written, and the query sees no other files. \"DESCRIBE runs\" lists the columns"
        + " of a table.")
final class QueryCommand implements Callable<Integer> {
  private static final String EXAMPLE = "such as: knowcap query runs/mine"
      + " \"SELECT model, max(capacity_ratio) FROM runs GROUP BY model\"";
  private static final Set<String> FIRST_WORDS = Set.of("select", "with", "from", "describe", "summarize",
      "show");

  @Spec
  private CommandSpec command;

  @Parameters(
      paramLabel = "DIR|CSV|PARQUET... SELECT",
      arity = "0..*",
      hideParamSyntax = true,
      description = "Directories of studies, tables that 'results' wrote, or tables of people that 'measure --people' wrote;"
          + " last the query, in quotes.")
  private List<String> arguments = List.of();

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      converter = Format.class,
      description = "Form of the answer: table, csv, json, markdown, latex or parquet. Default: what the ending of --out's FILE"
          + " says (.txt, .csv, .json, .md, .tex, .parquet), otherwise table.")
  private Optional<AnswerFormat> format;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "File for the answer. Default: standard output.")
  private Optional<Path> file;

  /** Reads a format from the command line. */
  static final class Format implements ITypeConverter<AnswerFormat> {
    @Override
    public AnswerFormat convert(String text) {
      return Arrays.stream(AnswerFormat.values())
          .filter(each -> each.toString().equals(text))
          .findFirst()
          .orElseThrow(
              () -> new TypeConversionException("expected one of " + Arrays.stream(AnswerFormat.values())
                  .map(AnswerFormat::toString)
                  .collect(Collectors.joining(", ")) + ", found '" + text + "'"));
    }
  }

  @Override
  public Integer call() throws Exception {
    requireQuery();
    AnswerFormat chosen = format.or(() -> file.flatMap(AnswerFormat::of)).orElse(AnswerFormat.TABLE);
    if (chosen == AnswerFormat.PARQUET && file.isEmpty()) {
      throw UserException.usage("Parquet is nothing to read on a screen: give its file with --out");
    }
    List<Path> sources = arguments.subList(0, arguments.size() - 1).stream().map(this::path).toList();
    List<Path> people = sources.stream().filter(QueryCommand::isParquet).toList();
    people.stream().filter(Files::notExists).findFirst().ifPresent(missing -> {
      throw UserException.usage(missing + ": no such file or directory");
    });
    try (QueryDatabase database = QueryDatabase.open()) {
      Select select = database.parse(arguments.getLast());
      ResultsSources read = ResultsSources
          .read(sources.stream().filter(source -> !isParquet(source)).toList());
      read.notes().forEach(note -> Knowcap.note(command, note));
      new QueryTables(read.studies(), read.results(), people).load(database, select.tables())
          .forEach(note -> Knowcap.note(command, note));
      if (chosen == AnswerFormat.PARQUET) {
        writeParquet(database, select, file.orElseThrow());
      } else {
        writeText(database, select, chosen);
      }
    }
    return 0;
  }

  private void requireQuery() {
    if (arguments.size() < 2) {
      throw new ParameterException(command.commandLine(),
          "query takes a study's directory (or a table), and then a SELECT in quotes, " + EXAMPLE);
    }
    List<String> before = arguments.subList(0, arguments.size() - 1);
    if (before.stream().skip(1).anyMatch(word -> FIRST_WORDS.contains(word.toLowerCase(Locale.ROOT)))) {
      throw new ParameterException(command.commandLine(),
          "put the query in quotes, so that the shell passes it on as one word, " + EXAMPLE);
    }
  }

  private Path path(String text) {
    try {
      return new UserPath().convert(text);
    } catch (TypeConversionException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
  }

  private static boolean isParquet(Path file) {
    return AnswerFormat.of(file).equals(Optional.of(AnswerFormat.PARQUET)) && !Files.isDirectory(file);
  }

  private void writeText(QueryDatabase database, Select select, AnswerFormat chosen) throws IOException {
    database.lock();
    if (file.isEmpty()) {
      PrintWriter out = command.commandLine().getOut();
      database.answer(select, chosen.writer(out));
      out.flush();
    } else {
      WholeFile.write(file.get(), bytes -> {
        Writer out = new BufferedWriter(new OutputStreamWriter(bytes, StandardCharsets.UTF_8));
        database.answer(select, chosen.writer(out));
        out.flush();
      });
      written();
    }
  }

  /** DuckDB writes a file of its own, which is then copied: the database must know its name before it is locked. */
  private void writeParquet(QueryDatabase database, Select select, Path to) throws IOException {
    Path folder = Files.createTempDirectory("knowcap-query");
    try {
      Path own = folder.resolve("answer.parquet");
      database.lockBut(own);
      database.writeParquet(select, own);
      WholeFile.write(to, out -> Files.copy(own, out));
    } finally {
      Folders.delete(folder);
    }
    written();
  }

  private void written() {
    command.commandLine().getOut().println("written: " + file.orElseThrow());
  }
}
