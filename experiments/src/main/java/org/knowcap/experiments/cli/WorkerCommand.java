package org.knowcap.experiments.cli;

import picocli.CommandLine.Spec;
import picocli.CommandLine.Model.CommandSpec;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.experiments.runner.Worker;
import org.knowcap.experiments.study.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** One worker process of 'knowcap run'; it may also be started by hand, on several machines that share the directory. */
@Command(
    name = "worker",
    mixinStandardHelpOptions = true,
    description = "Takes runs of a study that 'knowcap run' has begun until none is left, and prints what it does as JSON"
        + " lines. Several workers may share a study, also on several machines that share its directory.")
final class WorkerCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "DIR", description = "Directory of the study.")
  private Path directory;

  @Option(
      names = "--threads",
      paramLabel = "T",
      defaultValue = "1",
      description = "Threads of each run. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--concurrent",
      paramLabel = "K",
      defaultValue = "1",
      description = "Runs at a time, on one GPU. Default: ${DEFAULT-VALUE}")
  private int concurrent;

  @Option(
      names = "--while-input",
      hidden = true,
      description = "End when standard input closes: 'knowcap run' starts its workers so, which must not outlive it.")
  private boolean whileInput;

  @Override
  public Integer call() throws Exception {
    UserException.requireAtLeastOne("--threads", threads);
    UserException.requireAtLeastOne("--concurrent", concurrent);
    StudyFolder study = StudyFolder.open(directory);
    StudyRun.requireSharing(study.study(), concurrent);
    if (!ChildProcess.hasVectors()) {
      return OwnProcess.again(command, threads);
    }
    // Events alone go to standard output; whatever a native library prints there would break them.
    PrintStream events = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    if (whileInput) {
      Worker.dieWithParent(System.in);
    }
    new Worker(study, threads, concurrent, event -> events.println(Json.MAPPER.writeValueAsString(event)))
        .work();
    return 0;
  }
}
