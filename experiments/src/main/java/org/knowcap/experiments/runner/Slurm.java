package org.knowcap.experiments.runner;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.StudyFolder;

/** Slurm, asked by its own commands: sbatch, squeue, sacct and scontrol of this machine's PATH. */
public final class Slurm {
  /** Slurm's own default of MaxArraySize: array indices are less than this. */
  private static final int MAX_ARRAY_SIZE = 1001;
  private static final Pattern MAX_ARRAY_SIZE_LINE = Pattern.compile("(?m)^MaxArraySize\\s*=\\s*(\\d+)");
  private static final Pattern JOB_ID = Pattern.compile("(\\d+)(;.*)?");
  private static final Pattern ARRAY_TASK = Pattern.compile("(\\d+)_(\\d+)");

  private Slurm() {}

  /**
   * What Slurm says of each run that was submitted to it, by the run's name: of its latest task, or of the one that is
   * still queued. Runs of whose tasks Slurm knows nothing any more are missing.
   *
   * @throws UserException where Slurm does not answer
   */
  public static Map<String, SlurmTask> tasks(StudyFolder study) throws IOException, InterruptedException {
    List<TaskTable> tables = TaskTable.all(study);
    if (tables.isEmpty()) {
      return Map.of();
    }
    Map<String, Map<Integer, SlurmTask>> known = queue(tables);
    accounts(tables).forEach((name, tasks) -> {
      Map<Integer, SlurmTask> queued = known.computeIfAbsent(name, _ -> new HashMap<>());
      tasks.forEach(queued::putIfAbsent);
    });
    Map<String, SlurmTask> ofRun = new HashMap<>();
    for (TaskTable table : tables) {
      known.getOrDefault(table.name(), Map.of()).forEach((index, task) -> {
        if (index < table.tasks().size()) {
          table.tasks()
              .get(index)
              .forEach(run -> ofRun.merge(run, task,
                  (before, after) -> before.queued() && !after.queued() ? before : after));
        }
      });
    }
    return ofRun;
  }

  /** Tasks that the controller knows, by job name and index: those that are queued, and those that ended lately. */
  private static Map<String, Map<Integer, SlurmTask>> queue(List<TaskTable> tables)
      throws IOException, InterruptedException {
    String names = tables.stream().map(TaskTable::name).collect(Collectors.joining(","));
    Program.Outcome outcome = run("squeue", "--noheader", "--array", "--states=all", "--name=" + names,
        "--format=%j|%F|%K|%T|%N|%r");
    if (!outcome.succeeded()) {
      throw UserException.failure("squeue failed, so nothing is known of what is queued ("
          + outcome.complaint() + "); repeat the command when Slurm's controller answers ('scontrol ping')");
    }
    Map<String, Map<Integer, SlurmTask>> tasks = new HashMap<>();
    for (String line : outcome.output().lines().toList()) {
      // A reason may hold anything.
      String[] words = line.split("\\|", 6);
      if (words.length == 6 && words[2].matches("\\d+")) {
        String reason = words[3].equals("PENDING") ? words[5] : words[4];
        tasks.computeIfAbsent(words[0], _ -> new HashMap<>())
            .put(Integer.parseInt(words[2]), new SlurmTask(words[1] + "_" + words[2], words[3], reason));
      }
    }
    return tasks;
  }

  /**
   * Tasks that have ended, as accounting knows; none where the cluster does no accounting. What accounting has as running or
   * waiting is left out: the queue knows better, and after a crash of the controller accounting may say it for ever.
   */
  private static Map<String, Map<Integer, SlurmTask>> accounts(List<TaskTable> tables)
      throws IOException, InterruptedException {
    Map<String, String> names = new HashMap<>();
    tables.forEach(table -> table.job().ifPresent(job -> names.put(Long.toString(job), table.name())));
    Map<String, Map<Integer, SlurmTask>> tasks = new HashMap<>();
    if (names.isEmpty()) {
      return tasks;
    }
    Program.Outcome outcome;
    try {
      outcome = Program.run("sacct", "--noheader", "--parsable2", "--allocations",
          "--format=JobID,State,ExitCode", "--jobs=" + String.join(",", names.keySet()));
    } catch (IOException missing) {
      return tasks;
    }
    for (String line : outcome.succeeded() ? outcome.output().lines().toList() : List.<String>of()) {
      String[] words = line.split("\\|");
      Matcher task = ARRAY_TASK.matcher(words[0]);
      if (words.length == 3 && task.matches() && names.containsKey(task.group(1))) {
        // "CANCELLED by 1000"
        String state = words[1].split(" ")[0];
        SlurmTask known = new SlurmTask(words[0], state, "exit code " + words[2].split(":")[0]);
        if (!known.queued()) {
          tasks.computeIfAbsent(names.get(task.group(1)), _ -> new HashMap<>())
              .put(Integer.parseInt(task.group(2)), known);
        }
      }
    }
    return tasks;
  }

  /** The largest number of tasks of an array: the cluster's, or Slurm's default where it cannot be asked. */
  static int maxArraySize() throws InterruptedException {
    try {
      Matcher line = MAX_ARRAY_SIZE_LINE.matcher(Program.run("scontrol", "show", "config").output());
      return line.find() ? Integer.parseInt(line.group(1)) : MAX_ARRAY_SIZE;
    } catch (IOException missing) {
      return MAX_ARRAY_SIZE;
    }
  }

  /**
   * Submits a script.
   *
   * @param folder the job's working directory
   * @param after ids of jobs that must have ended before it starts
   * @return the job's id
   * @throws UserException where sbatch refuses, with what it said
   */
  static long submit(Path folder, String script, List<String> after)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("sbatch", "--parsable"));
    if (!after.isEmpty()) {
      // Not afterok: that waits for ever behind a task that failed.
      command.add("--dependency=afterany:" + String.join(":", after));
    }
    command.add(script);
    Program.Outcome outcome = run(folder, command.toArray(String[]::new));
    Matcher id = JOB_ID.matcher(outcome.output().strip());
    if (!outcome.succeeded() || !id.matches()) {
      throw UserException.failure("sbatch refused the job (" + outcome.complaint() + ")");
    }
    return Long.parseLong(id.group(1));
  }

  private static Program.Outcome run(String... command) throws InterruptedException {
    return run(Path.of(""), command);
  }

  private static Program.Outcome run(Path folder, String... command) throws InterruptedException {
    try {
      return Program.run(folder, command);
    } catch (IOException e) {
      throw UserException
          .failure(command[0] + " is not on this machine's PATH; run this where Slurm's commands are"
              + " (a cluster's login node), or train here with --launcher local");
    }
  }
}
