package org.knowcap.experiments.cli;

import org.knowcap.files.Folders;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.calibrate.Calibration;
import org.knowcap.experiments.calibrate.Check;
import org.knowcap.experiments.calibrate.Finding;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Engines;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Checks whether the instrument is right on this machine. */
@Command(
    name = "calibrate",
    mixinStandardHelpOptions = true,
    description = "Checks on this machine, in some minutes, that what is measured is what is there: known answers that must come"
        + " out, an attack that must find nothing, engines that must agree. Exit code 1 if a check fails.")
final class CalibrateCommand implements Callable<Integer> {
  private static final int SEEDS = 3;
  private static final int MOST_SEEDS = 100;

  @Spec
  private CommandSpec command;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "CHECK",
      description = "One or more of bounds, planted, leak, engines, known, repeat, with commas. Default: all.")
  private List<String> only = List.of();

  @Option(
      names = "--engine",
      paramLabel = "NAME",
      description = "Engine that trains and measures. Default: the preferred one, see 'knowcap engines'.")
  private Optional<String> engine;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "Seed of the corpora and of what is drawn from them. Default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(
      names = "--seeds",
      paramLabel = "K",
      description = "Check 'known': runs of each kind, whose mean must be right, too. Default: " + SEEDS)
  private Optional<Integer> seeds;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    for (String name : only) {
      if (!Calibration.NAMES.contains(name)) {
        throw UserException
            .usage("--only must be of " + String.join(", ", Calibration.NAMES) + ", found '" + name + "'");
      }
    }
    int runs = seeds.orElse(SEEDS);
    if (runs < 1 || runs > MOST_SEEDS) {
      throw UserException.usage("--seeds must be 1 to " + MOST_SEEDS + ", found " + runs);
    }
    if (seeds.isPresent() && !only.isEmpty() && !only.contains(Calibration.KNOWN)) {
      throw UserException.usage("--seeds is for the check '" + Calibration.KNOWN
          + "', which --only leaves out; leave out one of them");
    }
    Engine chosen = engine.map(Engines::named).orElseGet(Engines::preferred);
    if (!ChildProcess.hasVectors()) {
      return OwnProcess.again(command, 1);
    }
    Path directory = Files.createTempDirectory("knowcap-calibrate");
    try {
      return run(
          Calibration.checks(directory, chosen, seed, runs, only.isEmpty() ? Calibration.NAMES : only));
    } finally {
      Folders.delete(directory);
    }
  }

  /**
   * Makes checks, and prints what they found.
   *
   * @return the exit code
   */
  int run(List<Check> checks) throws IOException, InterruptedException {
    PrintWriter out = command.commandLine().getOut();
    long began = System.nanoTime();
    List<Finding> all = new ArrayList<>();
    for (Check check : checks) {
      if (!json) {
        out.println(check.name() + ": " + check.about());
        out.flush();
      }
      List<Finding> findings = check.findings();
      all.addAll(findings);
      if (!json) {
        findings.forEach(finding -> print(finding, out));
        out.flush();
      }
    }
    long failed = all.stream().filter(finding -> finding.verdict() == Finding.Verdict.FAIL).count();
    if (json) {
      out.println(Json.MAPPER.writeValueAsString(all));
    } else {
      out.println((failed == 0
          ? "all of " + all.size() + " findings pass"
          : failed + " of " + all.size()
              + " findings fail: do not believe this machine's numbers before you know why")
          + ", in " + Units.seconds((System.nanoTime() - began) / 1e9));
    }
    return failed == 0 ? 0 : UserException.FAILURE;
  }

  private static void print(Finding finding, PrintWriter out) {
    String verdict = switch (finding.verdict()) {
      case PASS -> "pass";
      case FAIL -> "FAIL";
      case SKIPPED -> "skip";
    };
    out.println("  " + verdict + "  " + finding.what() + ": " + finding.found()
        + (finding.allowed().isEmpty() ? "" : " (must be: " + finding.allowed() + ")"));
  }
}
