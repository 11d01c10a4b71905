package org.knowcap.experiments.runner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.FolderLock;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.run.StudyFolder;

/**
 * Has Slurm train: submits the runs that are neither done nor queued as job arrays, and a job after them that writes the
 * table and the report.
 */
public final class SlurmLauncher implements Launcher {
  private static final String SCRIPT = ".sh";

  private final StudyFolder study;
  private final ClusterRequest request;
  private final SlurmRequest slurm;
  private final boolean dryRun;
  private final Consumer<String> out;

  /**
   * @param dryRun whether the scripts are only written and printed
   * @param out hears lines for people
   */
  public SlurmLauncher(StudyFolder study, ClusterRequest request, SlurmRequest slurm, boolean dryRun,
      Consumer<String> out) {
    this.study = study;
    this.request = request;
    this.slurm = slurm;
    this.dryRun = dryRun;
    this.out = out;
  }

  @Override
  public void launch(List<RunStatus> states) throws IOException, InterruptedException {
    Files.createDirectories(study.path().resolve("logs"));
    Optional<FolderLock> lock = FolderLock.take(TaskTable.folder(study));
    if (lock.isEmpty()) {
      throw UserException.failure("another 'knowcap run' is submitting the runs of " + study.path()
          + " at this moment; repeat the command when it has ended");
    }
    try (FolderLock _ = lock.get()) {
      if (dryRun) {
        print(open(states, Map.of()));
      } else {
        // Asked under the lock: another process may have submitted a moment ago.
        Map<String, SlurmTask> tasks = Slurm.tasks(study);
        submit(open(states, tasks), tasks);
      }
    }
  }

  /** The runs to submit; says what the others are at. */
  private List<RunStatus> open(List<RunStatus> states, Map<String, SlurmTask> tasks) {
    Map<String, Long> counts = new TreeMap<>();
    List<RunStatus> open = new ArrayList<>();
    for (RunStatus status : states) {
      SlurmTask task = tasks.get(status.name());
      String why = switch (status.state()) {
        case RunState.Done _ -> "done";
        case RunState.Damaged _ -> "damaged (see 'knowcap status " + study.path() + "')";
        case RunState.Pending _,RunState.Interrupted _,RunState.Running _,RunState.Failed _ when task != null
            && task.queued() -> "in Slurm's queue";
        case RunState.Running _ -> "trained by another process";
        case RunState.Pending _,RunState.Interrupted _,RunState.Failed _ -> "";
      };
      if (why.isEmpty()) {
        open.add(status);
      } else {
        counts.merge(why, 1L, Long::sum);
      }
    }
    out.accept(study.study().name() + ": " + states.size() + " runs, "
        + counts.entrySet()
            .stream()
            .map(e -> e.getValue() + " " + e.getKey() + ", ")
            .collect(Collectors.joining())
        + open.size() + " to submit; in " + study.path());
    return open;
  }

  /** Arrays of tasks, none larger than allowed. */
  private List<List<List<String>>> arrays(List<RunStatus> open) throws InterruptedException {
    List<List<String>> tasks = request.tasks(open);
    int most = Math.min(Slurm.maxArraySize(), slurm.arrayLimit().orElse(Integer.MAX_VALUE));
    List<List<List<String>>> arrays = new ArrayList<>();
    for (int first = 0; first < tasks.size(); first += most) {
      arrays.add(tasks.subList(first, Math.min(tasks.size(), first + most)));
    }
    return arrays;
  }

  private void print(List<RunStatus> open) throws IOException, InterruptedException {
    for (List<List<String>> array : arrays(open)) {
      TaskTable table = TaskTable.write(study, array);
      String script = script().ofArray(table);
      Path file = table.write(SCRIPT, script);
      out.accept(script);
      out.accept("written to " + file
          + ", and nothing is submitted; leave out --dry-run to submit it, or submit it by hand: cd "
          + ShellScript.quoted(study.path().toAbsolutePath().toString()) + " && sbatch "
          + table.file(SCRIPT));
    }
  }

  private SlurmScript script() {
    return new SlurmScript(study, request, slurm);
  }

  private void submit(List<RunStatus> open, Map<String, SlurmTask> tasks)
      throws IOException, InterruptedException {
    if (open.isEmpty()) {
      out.accept("nothing to submit; 'knowcap status " + study.path() + "' shows the runs, 'knowcap report "
          + study.path() + "' writes table and report");
      return;
    }
    List<String> jobs = new ArrayList<>(tasks.values()
        .stream()
        .filter(SlurmTask::queued)
        .map(task -> task.task().split("_")[0])
        .distinct()
        .toList());
    long submitted = 0;
    for (List<List<String>> array : arrays(open)) {
      try {
        jobs.add(submit(array));
      } catch (UserException refused) {
        throw submitted == 0
            ? advised(refused)
            : UserException
                .failure(submitted + " of " + open.size() + " runs are submitted, the others are not: "
                    + refused.getMessage() + "; the same command submits them when the queue has room");
      }
      submitted += array.stream().mapToInt(List::size).sum();
    }
    report(jobs).ifPresent(jobs::add);
    out.accept(submitted + " runs submitted to Slurm; 'knowcap status " + study.path()
        + "' shows them, 'scancel " + String.join(" ", jobs)
        + "' cancels them, and the same command submits again what was cancelled or failed");
  }

  private static UserException advised(UserException refused) {
    String said = refused.getMessage();
    return UserException.failure(
        said + "; nothing is submitted" + SlurmRefusal.advice(said).map(advice -> ": " + advice).orElse(""));
  }

  /** @return id of the job */
  private String submit(List<List<String>> array) throws IOException, InterruptedException {
    TaskTable table = TaskTable.write(study, array);
    long job;
    try {
      table.write(SCRIPT, script().ofArray(table));
      job = Slurm.submit(study.path(), table.file(SCRIPT), List.of());
    } catch (UserException refused) {
      table.delete();
      throw refused;
    }
    table.writeJob(job);
    out.accept("job " + job + ": " + array.size() + " tasks, as " + study.path().resolve(table.file(SCRIPT))
        + " says");
    return Long.toString(job);
  }

  /**
   * Submits the job that comes after all others; without it the runs are trained all the same.
   *
   * @return its id; empty where Slurm refused it
   */
  private Optional<String> report(List<String> jobs) throws IOException, InterruptedException {
    Path script = TaskTable.folder(study).resolve("report.sh");
    ShellScript.write(script, script().ofReport());
    try {
      long job = Slurm.submit(study.path(), study.path().relativize(script).toString(), jobs);
      out.accept("job " + job + ": writes results.csv and report/ when the tasks have ended");
      return Optional.of(Long.toString(job));
    } catch (UserException refused) {
      out.accept("note: there will be no report by itself, as " + refused.getMessage() + "; 'knowcap report "
          + study.path() + "' writes it");
      return Optional.empty();
    }
  }
}
