package org.knowcap.experiments.runner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.MeasuredRun;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.run.StudyFolder;

/** Has a Spark cluster train: the open runs are the tasks of one Spark job, and this process waits for its end. */
public final class SparkLauncher implements Launcher {
  private final StudyFolder study;
  private final ClusterRequest request;
  private final SparkRequest spark;
  private final Consumer<String> out;
  private final LocalLauncher.StudyListener listener;

  /**
   * @param out hears lines for people
   * @param listener hears of runs that end
   */
  public SparkLauncher(StudyFolder study, ClusterRequest request, SparkRequest spark, Consumer<String> out,
      LocalLauncher.StudyListener listener) {
    this.study = study;
    this.request = request;
    this.spark = spark;
    this.out = out;
    this.listener = listener;
  }

  @Override
  public void launch(List<RunStatus> states) throws IOException, InterruptedException {
    List<RunStatus> open = open(states);
    if (open.isEmpty()) {
      return;
    }
    TaskTable table = TaskTable.write(study, request.tasks(open));
    Path logs = Files.createDirectories(study.path().resolve("logs"));
    job(table).run(logs.resolve("spark.log"), (task, exitCode, _) -> ended(table.tasks().get(task), exitCode),
        out);
  }

  /** Writes the table and prints the call of spark-submit; nothing is submitted. */
  public void show(List<RunStatus> states) throws IOException {
    TaskTable table = TaskTable.write(study, request.tasks(open(states)));
    out.accept(job(table).shown());
    out.accept("this would train the " + table.tasks().size() + " lines of "
        + study.path().resolve(table.tasksFile())
        + ", a task each; nothing is submitted. Leave out --dry-run to submit it");
  }

  /** The runs that wait for someone to train them. */
  private static List<RunStatus> open(List<RunStatus> states) {
    return states.stream().filter(status -> switch (status.state()) {
      case RunState.Pending _,RunState.Interrupted _,RunState.Failed _ -> true;
      case RunState.Running _,RunState.Done _,RunState.Damaged _ -> false;
    }).toList();
  }

  private SparkJob job(TaskTable table) {
    return new SparkJob(table.name(), study.path().resolve(table.tasksFile()),
        request.worker("worker", study.path().toAbsolutePath().toString(), "--while-input", "--threads",
            Integer.toString(request.threads()), "--concurrent", Integer.toString(request.concurrent()),
            "--run"),
        request.threads(), ClusterRequest.needsGpu(study.study()), spark);
  }

  /** Says what came of a task's runs. */
  private void ended(List<String> runs, int exitCode) {
    for (String run : runs) {
      RunFolder folder = study.runFolder(run);
      switch (folder.state()) {
        case RunState.Done(MeasuredRun measured) -> listener.onEvent(
            new WorkerEvent.Finished(run, measured.result().storedBits(), measured.result().capacityRatio(),
                measured.result().saturation(), measured.result().seconds()));
        case RunState.Failed failed -> listener.onEvent(new WorkerEvent.Failed(run, failed.reason()));
        case RunState.Damaged(String problem) -> listener.onEvent(new WorkerEvent.Failed(run, problem));
        case RunState.Pending _,RunState.Interrupted _,RunState.Running _ -> {
          String reason = "its process ended with exit code " + exitCode
              + " on Spark; the executor's stderr says more";
          remember(folder, exitCode, reason).ifPresent(out);
          listener.onEvent(new WorkerEvent.Failed(run, reason));
        }
      }
    }
  }

  /** A process that was killed has not written down why. */
  private static Optional<String> remember(RunFolder folder, int exitCode, String reason) {
    if (exitCode == 0 || exitCode == UserException.USAGE) {
      return Optional.empty();
    }
    try {
      folder.writeFailure(reason, false);
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of("note: " + folder.path() + " cannot be written: " + UserException.describe(e));
    }
  }
}
