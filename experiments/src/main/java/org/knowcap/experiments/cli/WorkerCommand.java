package org.knowcap.experiments.cli;

import picocli.CommandLine.Spec;
import picocli.CommandLine.Model.CommandSpec;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.experiments.runner.Worker;
import org.knowcap.experiments.runner.WorkerEvent;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** One worker process of 'knowcap run'; it may also be started by hand, on several machines that share the directory. */
@Command(
    name = "worker",
    mixinStandardHelpOptions = true,
    description = "Takes runs of a study that 'knowcap run' has begun until none is left, and prints a line when a run begins,"
        + " ends, and at most once a minute while it trains. Several workers may share a study, also on several machines that"
        + " share its directory.")
final class WorkerCommand implements Callable<Integer> {
  private static final long SECONDS_TO_STOP = 25;

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
      names = "--run",
      paramLabel = "RUN",
      arity = "1..*",
      description = "Names of runs: only these, and those that failed are tried again. The exit code is then 0 if all have a"
          + " result, 1 if one has failed, and 75 if one was stopped or is another process's.")
  private List<String> runs = List.of();

  @Option(
      names = "--cheapest-first",
      description = "Take the cheapest runs first, so that as many as possible are done when time is short. Default: the"
          + " costliest first, so that all are done soonest.")
  private boolean cheapestFirst;

  @Option(
      names = "--while-input",
      hidden = true,
      description = "End when standard input closes: 'knowcap run' starts its workers so, which must not outlive it.")
  private boolean whileInput;

  @Option(
      names = "--events",
      hidden = true,
      description = "Print each event as a JSON object, for the process that has started this one and reads them.")
  private boolean machineReadable;

  @Override
  public Integer call() throws Exception {
    UserException.requireAtLeastOne("--threads", threads);
    UserException.requireAtLeastOne("--concurrent", concurrent);
    StudyFolder study = StudyFolder.open(directory);
    StudyRun.requireSharing(study.study(), concurrent);
    List<RunSpec> specs = runs.isEmpty() ? study.study().runs() : runs.stream().map(study::run).toList();
    if (!ChildProcess.hasVectors()) {
      return OwnProcess.again(command, threads);
    }
    // Events alone go to standard output; whatever a native library prints there would break them.
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    if (whileInput) {
      Worker.dieWithParent(System.in);
    }
    for (String run : runs) {
      study.runFolder(run).clearFailure();
    }
    Set<String> begun = ConcurrentHashMap.newKeySet();
    Set<String> failed = ConcurrentHashMap.newKeySet();
    WorkerLog log = new WorkerLog(out, System::nanoTime);
    Consumer<WorkerEvent> events = machineReadable
        ? event -> out.println(Json.MAPPER.writeValueAsString(event))
        : log;
    Worker.Order order = cheapestFirst ? Worker.Order.CHEAPEST_FIRST : Worker.Order.COSTLIEST_FIRST;
    Worker worker = new Worker(study, threads, concurrent, order, event -> {
      begun.add(event.run());
      if (event instanceof WorkerEvent.Failed failure) {
        failed.add(failure.run());
      }
      events.accept(event);
    });
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> stop(worker, ended)));
    try {
      worker.work(specs);
      if (!machineReadable) {
        log.ended();
      }
      return exitCode(study, begun, failed);
    } finally {
      ended.countDown();
    }
  }

  /** On SIGTERM and SIGINT: runs write a checkpoint before the process ends. */
  private static void stop(Worker worker, CountDownLatch ended) {
    worker.stop();
    try {
      // Slurm and Kubernetes kill what has not ended after 30 s.
      ended.await(SECONDS_TO_STOP, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * What whoever started it for certain runs is to know of them.
   *
   * @param begun runs that have begun here
   * @param failures runs that failed here: on a full disk their folders cannot say it
   */
  private int exitCode(StudyFolder study, Set<String> begun, Set<String> failures) {
    boolean failed = false;
    for (String run : runs) {
      switch (study.runFolder(run).state()) {
        case RunState.Done _ -> {
        }
        case RunState.Failed _,RunState.Damaged _ -> failed = true;
        case RunState.Pending _,RunState.Running _,RunState.Interrupted _ -> {
          if (failures.contains(run)) {
            failed = true;
          } else {
            if (!begun.contains(run)) {
              Knowcap.note(command,
                  run + " is another process's, or the stop came before it began; a later try"
                      + " goes on with it");
            }
            return UserException.LATER;
          }
        }
      }
    }
    return failed ? UserException.FAILURE : 0;
  }
}
