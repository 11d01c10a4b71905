package org.knowcap.experiments.runner;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.Json;

/**
 * Writes the file of a Kubernetes Job that trains the open runs, for kubectl; nothing is submitted. The Job is an indexed
 * one, and pod k trains the runs of its table's line k + 1. An exit code of 1 or 2 means that another try would end in the same
 * way, so that the index then fails; pods that the cluster itself ends count as no try.
 */
public final class KubernetesLauncher implements Launcher {
  private static final String JOB = """
      # Written by 'knowcap run'. Pod k trains the runs that line k + 1 of %3$s names.
      apiVersion: batch/v1
      kind: Job
      metadata:
        name: %1$s
      spec:
        completionMode: Indexed
        completions: %2$d
        parallelism: %4$d
        backoffLimitPerIndex: 6
        podReplacementPolicy: Failed
        podFailurePolicy:
          rules:
            - action: FailIndex
              onExitCodes: {containerName: knowcap, operator: In, values: [1, 2]}
            - action: Ignore
              onPodConditions: [{type: DisruptionTarget}]
        template:
          spec:
            restartPolicy: Never
            terminationGracePeriodSeconds: 60
            containers:
              - name: knowcap
                image: %5$s
                workingDir: %6$s
                command:
                  - sh
                  - -c
                  - >-
                    exec knowcap worker "$PWD" --threads %7$d --concurrent %8$d
                    --run $(sed -n "$((JOB_COMPLETION_INDEX + 1))p" %3$s)
                resources:
                  requests: {cpu: "%7$d"%9$s}
                  limits: {cpu: "%7$d"%9$s%10$s}
                volumeMounts:
                  - {name: study, mountPath: %6$s}
            volumes:
              - name: study
                persistentVolumeClaim: {claimName: %11$s}
      """;

  private final StudyFolder study;
  private final ClusterRequest request;
  private final String image;
  private final String claim;
  private final Consumer<String> out;

  /**
   * @param image with {@code knowcap} on its PATH
   * @param claim of the volume that has the study's folder
   * @param out hears lines for people
   */
  public KubernetesLauncher(StudyFolder study, ClusterRequest request, String image, String claim,
      Consumer<String> out) {
    this.study = study;
    this.request = request;
    this.image = image;
    this.claim = claim;
    this.out = out;
  }

  @Override
  public void launch(List<RunStatus> states) throws IOException {
    List<RunStatus> open = states.stream().filter(status -> switch (status.state()) {
      case RunState.Pending _,RunState.Interrupted _,RunState.Failed _ -> true;
      case RunState.Running _,RunState.Done _,RunState.Damaged _ -> false;
    }).toList();
    if (open.isEmpty()) {
      throw UserException.failure(
          "no run of " + study.path() + " is left to be trained; see 'knowcap status " + study.path() + "'");
    }
    TaskTable table = TaskTable.write(study, request.tasks(open));
    String job = job(table);
    Path file = table.write(".yaml", job);
    out.accept(job);
    out.accept("written to " + file + ", and nothing is submitted; 'kubectl apply -f " + file
        + "' submits it, then 'knowcap status " + study.path()
        + "' shows the runs, as far as their folders say");
  }

  private String job(TaskTable table) {
    int tasks = table.tasks().size();
    String memory = request.memory().map(size -> ", memory: " + size + "i").orElse("");
    String gpu = ClusterRequest.needsGpu(study.study()) ? ", nvidia.com/gpu: 1" : "";
    return String.format(Locale.ROOT, JOB, table.name(), tasks, table.tasksFile(),
        request.tasks().orElse(tasks), text(image), text(study.path().toAbsolutePath().toString()),
        request.threads(), request.concurrent(), memory, gpu, text(claim));
  }

  /** Text of YAML, which JSON's is. */
  private static String text(String value) {
    return Json.MAPPER.writeValueAsString(value);
  }
}
