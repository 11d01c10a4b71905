package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.probe.ProbedAttribute;
import org.knowcap.experiments.probe.Probing;
import org.knowcap.experiments.run.TrainedRun;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.experiments.study.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Finds out where a run's model has its knowledge. */
@Command(
    name = "probe",
    mixinStandardHelpOptions = true,
    description = "Trains linear probes on a run's hidden states, each with an update of low rank to the embedding: what the name"
        + " alone tells of each attribute (Q-probe), and what each position of a biography tells (P-probe). Half of the"
        + " people train the probes, the others test them.")
final class ProbeCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(
      paramLabel = "RUN",
      description = "Folder of the run, such as DIR/runs/NAME; or a study's directory with one run.")
  private Path run;

  @Option(
      names = "--layer",
      paramLabel = "L",
      description = "Read the residual stream behind this layer, from 1. Default: what the head reads.")
  private Optional<Integer> layer;

  @Option(
      names = "--people",
      paramLabel = "N",
      defaultValue = "2000",
      description = "Largest number of people. Default: ${DEFAULT-VALUE}")
  private long people;

  @Option(
      names = "--steps",
      paramLabel = "S",
      defaultValue = "400",
      description = "Steps of each probe's training. Default: ${DEFAULT-VALUE}")
  private int steps;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "Seed of the choice of people and of the probes' training. Default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    UserException.requireAtLeastOne("--steps", steps);
    if (people < 4) {
      throw UserException.usage("--people must be at least 4, half of them to learn from, found " + people);
    }
    if (!ChildProcess.hasVectors()) {
      return OwnProcess.again(command, 1);
    }
    TrainedRun trained = TrainedRun.open(run);
    Probing probing = new Probing(layer, people, steps, seed);
    probing.requireFits(trained);
    trained.requireLosses(people);
    PrintWriter out = command.commandLine().getOut();
    if (!json) {
      out.println(trained.spec().name() + ": right answers about people whom the probes were not trained on");
      out.println(
          "attribute, of the number of possible answers: chance; from the name; right before the 1st, 2nd, ... value of a text");
      out.flush();
    }
    List<ProbedAttribute> all = probing.of(trained, each -> {
      if (!json) {
        print(each, out);
      }
    });
    if (json) {
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put("run", trained.spec().name());
      answer.put("attributes", all);
      out.println(Json.MAPPER.writeValueAsString(answer));
    }
    return 0;
  }

  private static void print(ProbedAttribute each, PrintWriter out) {
    out.println("  " + each.attribute() + (each.part().equals("value") ? "" : " (" + each.part() + ")")
        + ", of " + Units.count(each.classes()) + ": " + Units.percent(each.chance()) + "; "
        + Units.percent(each.name()) + "; "
        + each.positions()
            .stream()
            .map(share -> share.isNaN() ? "none" : Units.percent(share))
            .collect(Collectors.joining(", ")));
    out.flush();
  }
}
