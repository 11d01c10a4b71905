package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The table of results. */
@Command(name = "results", mixinStandardHelpOptions = true, description = "Writes results.csv from the runs that are done, one row a run, and prints the table.")
final class ResultsCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "DIR", description = "Directory of the study.")
  private Path directory;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    StudyFolder study = StudyFolder.open(directory);
    ResultsTable results = study.results();
    Path file = study.writeResults();
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(Json.MAPPER.writeValueAsString(results.results()));
    } else {
      out.println(results.table().selectColumns("run", "parameters", "name_loss_nats", "value_loss_nats",
          "stored_bits", "capacity_ratio", "max_capacity_ratio", "saturation").printAll());
      out.println(file);
    }
    return 0;
  }
}
