package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Engines;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists the engines of this machine. */
@Command(
    name = "engines",
    mixinStandardHelpOptions = true,
    description = "Shows which engines can run on this machine, and why the others cannot.")
final class EnginesCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  private record Row(String name, boolean available, boolean preferred, String description) {}

  @Override
  public Integer call() throws Exception {
    if (!ChildProcess.hasVectors()) {
      return OwnProcess.again(command, 1);
    }
    List<Row> rows = new ArrayList<>();
    for (Engine engine : Engines.all()) {
      boolean available = engine.unavailable().isEmpty();
      boolean preferred = available && rows.stream().noneMatch(Row::available);
      rows.add(new Row(engine.name(), available, preferred, engine.unavailable()
          .orElseGet(
              () -> engine.description() + engine.handicap().map(reason -> "; note: " + reason).orElse(""))));
    }
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(Json.MAPPER.writeValueAsString(rows));
    } else {
      for (Row row : rows) {
        out.printf(Locale.ROOT, "%-8s %-12s %s%n", row.name,
            row.preferred ? "preferred" : row.available ? "available" : "unavailable", row.description);
      }
    }
    return rows.stream().anyMatch(Row::available) ? 0 : 1;
  }
}
