package org.knowcap.experiments.runner;

import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;

/** Why sbatch refuses a job, by what it says, and what helps. The first that fits counts: some messages name several limits. */
enum SlurmRefusal {
  TASKS("MaxSubmit|SubmitJobs?Limit|job array specification",
      "with --array-limit K below the queue's limit, as many tasks are submitted as it takes"),
  PARTITION("invalid partition|use this partition", "give another --partition; 'sinfo -o %P' lists them"),
  ACCOUNT("invalid account|invalid qos",
      "give --sbatch \"--account=NAME\" (or \"--qos=NAME\"); 'sacctmgr show associations user=$USER' lists yours"),
  GPU("generic resource",
      "--sbatch \"--gres=gpu:NAME:1\" asks for the GPU by the cluster's name for it; 'sinfo -o \"%P %G\"'"
          + " lists the names"),
  TIME("wall|time limit is invalid",
      "give a shorter --time (a task that reaches its limit goes on from its checkpoint), or"
          + " another --partition; 'sinfo -o \"%P %l\"' lists the limits"),
  NODE("memory|MaxMem|CPU|processors|node configuration|node count",
      "no node has what a task asks for, or you may not have so much of one: give less --memory or --threads, or another"
          + " --partition; 'sinfo -o \"%P %c %m %G\"' lists the cores, the megabytes and the GPUs of nodes"),
  CONTROLLER("unable to contact|connect failure|timed out",
      "repeat the command when Slurm's controller answers ('scontrol ping')"),
  POLICY("accounting/QOS policy",
      "a limit of yours is passed: of tasks (give --array-limit), of memory or cores (--memory,"
          + " --threads) or of time (--time)");

  private final Pattern said;
  private final String advice;

  SlurmRefusal(String said, String advice) {
    this.said = Pattern.compile(said, Pattern.CASE_INSENSITIVE);
    this.advice = advice;
  }

  /** What helps; empty where the message is none of those that are known. */
  static Optional<String> advice(String message) {
    return Arrays.stream(values())
        .filter(refusal -> refusal.said.matcher(message).find())
        .findFirst()
        .map(refusal -> refusal.advice);
  }
}
