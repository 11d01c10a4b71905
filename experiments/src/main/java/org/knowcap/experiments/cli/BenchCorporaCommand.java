package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.bench.CorpusSpeed;
import org.knowcap.experiments.bench.Benchmarks;
import org.knowcap.experiments.bench.Effort;
import org.knowcap.experiments.study.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures the speed of the generators. */
@Command(
    name = "corpora",
    mixinStandardHelpOptions = true,
    versionProvider = Knowcap.Version.class,
    description = "Measures how fast corpora are generated, on one core and on all,"
        + " beside how fast this machine copies memory. Takes some minutes."
        + " Needs KNOWCAP_PROFILES=benchmarks in the environment.")
final class BenchCorporaCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Option(names = "--quick", description = "Take half a minute; the figures are rough.")
  private boolean quick;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    PrintWriter err = command.commandLine().getErr();
    List<Integer> threads = IntStream.of(1, Runtime.getRuntime().availableProcessors())
        .distinct()
        .boxed()
        .toList();
    CorpusSpeed.Table table = Benchmarks.ofThisBuild()
        .corpora(quick ? Effort.QUICK : Effort.FULL, threads, step -> err.println(step + " ..."));
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(Json.MAPPER.writeValueAsString(table));
      return 0;
    }
    String row = "%-52s %-8s %7s %10s %8s %8s %10s%n";
    out.printf(Locale.ROOT, row, "corpus", "output", "threads", "tokens/s", "MB/s", "of copy", "allocated");
    for (CorpusSpeed.Copy copy : table.copies()) {
      out.printf(Locale.ROOT, row, "memory copied", "", copy.threads(), "", megabytes(copy.bytesPerSecond()),
          "100.0 %", "");
    }
    for (CorpusSpeed speed : table.speeds()) {
      out.printf(Locale.ROOT, row, speed.corpus(), speed.output(), speed.threads(),
          Units.brief(speed.tokensPerSecond()), megabytes(speed.bytesPerSecond()),
          Units.percent(speed.copyFraction()), Units.count(Math.round(speed.allocatedBytes())) + " B");
    }
    return 0;
  }

  private static String megabytes(double bytes) {
    return String.format(Locale.ROOT, "%,.0f", bytes / 1e6);
  }
}
