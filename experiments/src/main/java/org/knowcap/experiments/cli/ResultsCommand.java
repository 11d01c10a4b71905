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
  /** Columns that are shown only if a row has a value in them. */
  private static final List<String> RECALL = List.of("recalled", "recalled_unseen", "generated",
      "generated_unseen", "extractable", "extractable_asked", "extractable_unseen");

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

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    if (seeds && against.isPresent()) {
      throw UserException.usage("--seeds and --against are two tables: give one of them");
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
      out.println(json
          ? Json.MAPPER.writeValueAsString(differences)
          : TextTable
              .of(withoutEmpty(PairedDifference.table(differences).removeColumns("people", "engine"))));
    } else if (seeds) {
      List<SeedMeans> means = means(results.results());
      out.println(json ? Json.MAPPER.writeValueAsString(means) : TextTable.of(shown(means)));
    } else if (json) {
      out.println(Json.MAPPER.writeValueAsString(maps(results.table())));
    } else {
      Table table = results.table();
      List<String> columns = new ArrayList<>(List.of("run", "parameters"));
      Stream
          .of("complete_exposures", "name_loss_nats", "value_loss_nats", "name_exact_bits",
              "name_stored_bits", "value_stored_bits", "diversity_stored_bits")
          .filter(column -> table.column(column).countMissing() < results.rows().size())
          .forEach(columns::add);
      columns.addAll(List.of("stored_bits", "stored_bits_standard_error", "capacity_ratio",
          "max_capacity_ratio", "saturation", "limited_by"));
      Stream.of("memorised_bits", "memorised_ratio", "unseen_memorised_bits")
          .filter(column -> table.column(column).countMissing() < results.rows().size())
          .forEach(columns::add);
      if (table.column("setting").countMissing() < results.rows().size()) {
        columns.add(1, "setting");
      }
      columns.addAll(
          RECALL.stream().filter(name -> table.column(name).countMissing() < results.rows().size()).toList());
      if (!results.rows().stream().allMatch(row -> row.run().dense())) {
        columns.addAll(List.of("active_parameters", "causal"));
      }
      if (!results.quantised().isEmpty()) {
        columns.addAll(List.of("weight_bits", "bits_per_weight", "capacity_per_bit"));
      }
      out.println(TextTable.of(table.selectColumns(columns.toArray(String[]::new))));
      written.forEach(out::println);
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

  private static Table shown(List<SeedMeans> means) {
    Table table = SeedMeans.table(means);
    List<String> columns = new ArrayList<>(List.of("corpus", "exposures", "model", "parameters", "seeds",
        "varied", "capacity_ratio", "capacity_ratio_deviation", "capacity_ratio_interval",
        "least_capacity_ratio", "greatest_capacity_ratio", "saturation"));
    Stream
        .of("name_stored_bits", "value_stored_bits", "diversity_stored_bits", "memorised_ratio",
            "memorised_ratio_interval")
        .filter(column -> table.column(column).countMissing() < means.size())
        .forEach(columns::add);
    columns.add("limited_by");
    if (table.column("setting").countMissing() < means.size()) {
      columns.add(3, "setting");
    }
    return table.selectColumns(columns.toArray(String[]::new));
  }

  private static Table withoutEmpty(Table table) {
    return table.selectColumns(table.columns()
        .stream()
        .filter(column -> !column.name().equals("setting") || column.countMissing() < column.size())
        .map(Column::name)
        .toArray(String[]::new));
  }
}
