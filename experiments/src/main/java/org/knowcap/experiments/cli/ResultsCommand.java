package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.knowcap.analysis.report.Findings;
import org.knowcap.analysis.results.PairedDifference;
import org.knowcap.analysis.results.ResultsException;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.results.SeedMeans;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyReport;
import org.knowcap.experiments.study.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tech.tablesaw.api.Table;
import tech.tablesaw.columns.Column;

/** Prints and writes the table of results. */
@Command(
    name = "results",
    mixinStandardHelpOptions = true,
    description = "Writes each study's results.csv from its runs that are done, one row a run and one for each time that its model was quantised, and prints the table of all of them.")
final class ResultsCommand implements Callable<Integer> {
  /** The columns that are printed, those first that matter most, unless no row has a value in them. */
  private static final List<String> COLUMNS = List.of("run", "parameters", "frozen_parameters",
      "memory_parameters", "exposures", "complete_exposures", "stored_bits", "stored_bits_standard_error",
      "name_stored_bits", "value_stored_bits", "diversity_stored_bits", "capacity_ratio",
      "max_capacity_ratio", "saturation", "limited_by", "causal", "active_parameters", "quantisation",
      "capacity_per_bit", "bits_per_weight", "weight_bits", "memorised_bits", "memorised_ratio",
      "unseen_memorised_bits", "recalled", "extractable", "recalled_unseen", "generated", "generated_unseen",
      "extractable_unseen", "extractable_asked", "name_exact_bits", "value_tokens_behind_name",
      "name_loss_nats", "value_loss_nats", "setting");
  /** The columns before this one say what a row is of. */
  private static final String FIRST_FIGURE = "stored_bits";
  private static final List<String> OF_EXPERTS = List.of("causal", "active_parameters");

  @Spec
  private CommandSpec command;

  @Parameters(
      paramLabel = "DIR|CSV",
      arity = "1..*",
      description = "Directories of studies, or tables that were written before.")
  private List<Path> sources;

  @Option(names = "--seeds", description = "Print means and deviations over seeds instead of single runs.")
  private boolean seeds;

  @Option(
      names = "--against",
      paramLabel = "FAMILY",
      description = "Print how much more bits per parameter other models store than this family's of as many layers and heads,"
          + " with runs of equal seeds as pairs: mean difference, 95 %% interval, p of the paired t-test.")
  private Optional<String> against;

  @Option(
      names = "--wide",
      description = "Print one line for each row, with all columns of the usual selection, however long the lines are.")
  private boolean wide;

  @Option(
      names = "--columns",
      paramLabel = "COLUMN",
      split = ",",
      description = "Print these columns of the table, in this order: names of results.csv, with commas.")
  private List<String> chosen = List.of();

  @Option(names = "--json", description = "Print JSON, with all columns.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    if (seeds && against.isPresent()) {
      throw UserException.usage("--seeds and --against are two tables: give one of them");
    }
    if (json && (wide || !chosen.isEmpty())) {
      throw UserException.usage("--json prints all columns: leave out --wide and --columns");
    }
    if (wide && !chosen.isEmpty()) {
      throw UserException.usage("--wide prints the usual columns, --columns others: give one of them");
    }
    ResultsSources read = ResultsSources.read(sources);
    read.notes().forEach(this::note);
    ResultsTable results = read.results();
    if (results.rows().isEmpty()) {
      throw UserException.failure(nothing(read));
    }
    List<Path> written = new ArrayList<>();
    for (StudyReport study : read.studies()) {
      study.writeResults()
          .ifPresentOrElse(written::add, () -> note(
              study.path().resolve("results.csv") + " is not written: the folder is for reading only"));
    }
    Findings.belowZero(results.results()).ifPresent(this::note);
    PrintWriter out = command.commandLine().getOut();
    if (against.isPresent()) {
      List<PairedDifference> differences = differences(results.results(), against.get());
      if (json) {
        out.println(Json.MAPPER.writeValueAsString(differences));
      } else {
        print(out, PairedDifference.table(differences),
            List.of("corpus", "model", "against", "setting", "parameters", "against_parameters", "exposures",
                "complete_exposures", "learning_rate", "pairs", "difference", "difference_interval", "ratio",
                "p_value", "limited_by"),
            8);
      }
    } else if (seeds) {
      List<SeedMeans> means = means(results.results());
      if (json) {
        out.println(Json.MAPPER.writeValueAsString(means));
      } else {
        print(out, SeedMeans.table(means),
            List.of("corpus", "model", "setting", "varied", "parameters", "exposures", "complete_exposures",
                "seeds", "capacity_ratio", "capacity_ratio_interval", "capacity_ratio_deviation",
                "saturation", "limited_by", "name_stored_bits", "value_stored_bits", "diversity_stored_bits",
                "memorised_ratio", "memorised_ratio_interval", "least_capacity_ratio",
                "greatest_capacity_ratio"),
            7);
      }
    } else if (json) {
      out.println(Json.MAPPER.writeValueAsString(maps(results.table())));
    } else {
      boolean dense = results.rows().stream().allMatch(row -> row.run().dense());
      print(out, results.table(),
          COLUMNS.stream().filter(column -> !dense || !OF_EXPERTS.contains(column)).toList(),
          COLUMNS.indexOf(FIRST_FIGURE));
      written.stream().distinct().forEach(out::println);
    }
    return 0;
  }

  /** Why there is no row, and what to do. */
  private static String nothing(ResultsSources read) {
    if (read.studies().isEmpty()) {
      return read.tables().getFirst() + " has no rows";
    }
    StudyReport study = read.studies().getFirst();
    return "no run of " + study.path() + " is done yet (" + study.states().size() + " runs); 'knowcap status "
        + study.path() + "' shows how far they are, 'knowcap run " + study.path() + "' goes on with them";
  }

  private void note(String text) {
    Knowcap.note(command, text);
  }

  /** The rows of a table, each as a map of its cells by column. */
  private static List<Map<String, Object>> maps(Table table) {
    List<Map<String, Object>> maps = new ArrayList<>();
    for (int row = 0; row < table.rowCount(); row++) {
      Map<String, Object> map = new LinkedHashMap<>();
      for (Column<?> column : table.columns()) {
        map.put(column.name(), column.isMissing(row) ? null : column.get(row));
      }
      maps.add(map);
    }
    return maps;
  }

  private static List<SeedMeans> means(List<RunResult> runs) {
    try {
      return SeedMeans.of(runs);
    } catch (ResultsException e) {
      throw UserException.failure(e.getMessage());
    }
  }

  private static List<PairedDifference> differences(List<RunResult> runs, String against) {
    try {
      return PairedDifference.of(runs, against);
    } catch (ResultsException e) {
      throw UserException.usage(e.getMessage());
    }
  }

  /**
   * Prints the columns that were asked for, or the usual ones.
   *
   * @param usual columns, those first that matter most; those that the table lacks or in which no row has a value are left out
   * @param names how many of them, from the first on, say what a row is of
   */
  private void print(PrintWriter out, Table table, List<String> usual, int names) {
    for (String column : chosen) {
      if (!table.containsColumn(column)) {
        throw UserException.usage(
            "there is no column '" + column + "'; the table has " + String.join(", ", table.columnNames()));
      }
    }
    if (!chosen.isEmpty()) {
      out.println(TextTable.wide(table.selectColumns(chosen.toArray(String[]::new))));
      return;
    }
    List<String> columns = usual.stream()
        .filter(
            column -> table.containsColumn(column) && table.column(column).countMissing() < table.rowCount())
        .toList();
    Table selected = table.selectColumns(columns.toArray(String[]::new));
    if (wide) {
      out.println(TextTable.wide(selected));
      return;
    }
    TextTable.Fitted fitted = TextTable.fitted(selected,
        (int) usual.subList(0, names).stream().filter(columns::contains).count());
    out.println(fitted.text());
    if (!fitted.omitted().isEmpty()) {
      out.println(TextTable.wrapped("No room for " + String.join(", ", fitted.omitted())
          + ". --wide prints them too, --columns any column of results.csv."));
    }
  }
}
