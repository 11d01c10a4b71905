package org.knowcap.experiments.cli;

import java.util.Locale;
import java.util.concurrent.Callable;
import org.knowcap.experiments.bench.Benchmarks;
import org.knowcap.experiments.bench.Effort;
import org.knowcap.experiments.bench.LawSpeed;
import org.knowcap.experiments.study.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures the speed of fits. */
@Command(
    name = "laws",
    mixinStandardHelpOptions = true,
    versionProvider = Knowcap.Version.class,
    description = "Measures how fast the law of losses is fitted: one fit of 515 points, and 1,000 fits for intervals."
        + " Needs KNOWCAP_PROFILES=benchmarks in the environment.")
final class BenchLawsCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Option(names = "--quick", description = "Take half a minute; the figures are rough.")
  private boolean quick;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    LawSpeed speed = Benchmarks.ofThisBuild().laws(quick ? Effort.QUICK : Effort.FULL);
    command.commandLine()
        .getOut()
        .println(json
            ? Json.MAPPER.writeValueAsString(speed)
            : String.format(Locale.ROOT,
                "a fit of %d points: %.1f ms on one core; %d fits for intervals: %.1f s on %d cores",
                speed.points(), speed.fitMilliseconds(), speed.bootstrapFits(), speed.bootstrapSeconds(),
                speed.cores()));
    return 0;
  }
}
