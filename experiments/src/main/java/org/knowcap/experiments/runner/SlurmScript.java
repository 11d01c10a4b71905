package org.knowcap.experiments.runner;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.knowcap.experiments.run.StudyFolder;

/**
 * The scripts that Slurm runs. A task finds its runs in its table, starts a worker for them, and has itself put back in the
 * queue where that may help: after a warning of the time limit, a kill of the worker, or because another process has a run;
 * but not where no checkpoint is newer than at its start, as it would then go round for ever. After a preemption or the loss
 * of a node Slurm itself puts it back.
 */
record SlurmScript(StudyFolder study, ClusterRequest request, SlurmRequest slurm) {
  private static final String ARRAY = """
      #!/bin/bash
      # Written by 'knowcap run'. Task k trains the runs that line k + 1 of %1$s names.
      %2$s
      cd %3$s || exit 1
      set -f
      runs=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" %1$s)
      if [ -z "$runs" ]; then
        echo "knowcap: %1$s has no line for task $SLURM_ARRAY_TASK_ID" >&2
        exit 2
      fi
      echo "$(date '+%%F %%T') Slurm task ${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)), on $(hostname): $runs"
      checkpoints() {
        for run in $runs; do stat -c %%y "runs/$run/checkpoint.safetensors" 2> /dev/null; done
      }
      before=$(checkpoints)
      %4$s
      worker=
      ended=
      trap 'kill -TERM $worker 2> /dev/null' USR1
      trap 'ended=1; kill -TERM $worker 2> /dev/null' TERM
      # A trap runs only when no command is in the foreground, so the worker is in the background.
      %5$s $runs &
      worker=$!
      until wait $worker; code=$?; ! kill -0 $worker 2> /dev/null; do :; done
      # 0: the runs have results. 1, 2: another try would end in the same way. 75: another process has a run. Over 128: a signal.
      case $code in 0 | 1 | 2) exit $code ;; esac
      # Not SLURM_JOB_ID: that of the array's last task is the array's.
      task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
      # After TERM Slurm itself puts back what it preempts, and a cancelled task shall end; at the time limit the warning came late.
      if [ -n "$ended" ]; then
        case $(squeue --noheader --states=all --jobs="$task" --format=%%r) in TimeLimit) ;; *) exit $code ;; esac
      fi
      if [ $code -ne 75 ] && [ "$(checkpoints)" = "$before" ]; then
        echo "knowcap: the worker ended with exit code $code and without a new checkpoint; another try would end in the same way" >&2
        exit $code
      fi
      scontrol requeue "$task" || exit $code
      """;
  private static final String REPORT = """
      #!/bin/bash
      # Written by 'knowcap run', for when its runs have ended.
      %s
      cd %s || exit 1
      %s
      """;

  /** The script of an array. */
  String ofArray(TaskTable table) {
    List<String> options = new ArrayList<>(List.of("--job-name=" + table.name(),
        "--array=0-" + (table.tasks().size() - 1) + request.tasks().map(most -> "%" + most).orElse(""),
        "--output=logs/" + table.name() + "-%a.log", "--open-mode=append", "--requeue",
        "--signal=B:USR1@" + slurm.warningSeconds(), "--nodes=1", "--ntasks=1",
        "--cpus-per-task=" + request.threads()));
    request.memory().ifPresent(memory -> options.add("--mem=" + memory));
    if (ClusterRequest.needsGpu(study.study())) {
      options.add("--gres=gpu:1");
    }
    // After Knowcap's, so that of two alike the user's counts.
    options.addAll(slurm.options());
    String environment = ChildProcess.environment(request.threads())
        .entrySet()
        .stream()
        .sorted(Map.Entry.comparingByKey())
        .map(entry -> "export " + entry.getKey() + "=" + entry.getValue())
        .collect(Collectors.joining("\n"));
    return String.format(Locale.ROOT, ARRAY, table.tasksFile(), directives(options), folder(), environment,
        ShellScript.command(request.worker("worker", study.path().toAbsolutePath().toString(), "--threads",
            Integer.toString(request.threads()), "--concurrent", Integer.toString(request.concurrent()),
            "--run")));
  }

  /** The script of the job that reports. */
  String ofReport() {
    List<String> options = new ArrayList<>(
        List.of("--job-name=knowcap-report", "--output=logs/report.log", "--nodes=1", "--ntasks=1"));
    options.addAll(slurm.options());
    return String.format(Locale.ROOT, REPORT, directives(options), folder(),
        ShellScript.command(ChildProcess.command("report", study.path().toAbsolutePath().toString())));
  }

  private String folder() {
    return ShellScript.quoted(study.path().toAbsolutePath().toString());
  }

  private static String directives(List<String> options) {
    return options.stream().map(option -> "#SBATCH " + option).collect(Collectors.joining("\n"));
  }
}
