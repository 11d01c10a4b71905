package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.testing.TimeLimit;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Options of clusters: what is refused before anything is written, and what is written without a cluster. */
class LauncherOptionsTest {
  private static final String STUDY = """
      name: Options_of.clusters
      corpus: {kind: bioS, people: 40}
      models: gpt2-1-1
      exposures: [20, 30, 40]
      engine: %s
      training: {batch_size: 4, context_length: 512, learning_rate: 0.001, warmup_steps: 1}
      """;

  @TempDir
  private Path directory;

  private Outcome run(String engine, Object... options) throws Exception {
    Path spec = Files.writeString(directory.resolve("study.yaml"), STUDY.formatted(engine));
    return InProcess
        .run(Stream.concat(Stream.of("run", spec, "--out", directory.resolve("out")), Stream.of(options))
            .toArray());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"--time=30|--time is for --launcher slurm, found --launcher local",
          "--launcher=slurm --minutes=5|--minutes is for --launcher local, found --launcher slurm; --time limits a task",
          "--launcher=slurm --image=x|--image is for --launcher kubernetes, found --launcher slurm",
          "--launcher=pbs|expected local, slurm, spark or kubernetes, found 'pbs'",
          "--launcher=slurm --time=0|--time must be more than 0, found '0'",
          "--launcher=slurm --time=soon|--time must be minutes, HH:MM:SS or D-HH:MM:SS, found 'soon'",
          "--launcher=slurm --array-limit=0|--array-limit must be at least 1, found 0",
          "--launcher=slurm --partition=a;b|--partition must be a name, or several with commas, found 'a;b'",
          "--launcher=slurm --memory=lots|--memory must be a whole number with M or G, such as 8G, found 'lots'",
          "--launcher=slurm --sbatch=account=x|--sbatch takes an option of sbatch, such as \"--account=x\", found 'account=x'",
          "--launcher=slurm --sbatch=--array=0-9|--sbatch cannot set --array",
          "--launcher=slurm --sbatch=-Jx|--sbatch cannot set -J",
          "--launcher=slurm --sbatch=--job-na=x|--sbatch cannot set --job-name",
          "--launcher=slurm --concurrent=2|--concurrent is for runs that share a GPU",
          "--launcher=kubernetes --image=x --claim=y|--launcher kubernetes only writes a file for kubectl; add --dry-run",
          "--master=yarn|--master is for --launcher spark, found --launcher local",
          "--launcher=slurm --conf=spark.a=1|--conf is for --launcher spark, found --launcher slurm",
          "--launcher=spark --workers=2|--workers is for --launcher local or --launcher slurm or --launcher kubernetes, found --launcher spark; as many tasks",
          "--launcher=spark --conf=a=1|--conf must be KEY=VALUE, such as spark.executor.memory=2g, found 'a=1'",
          "--launcher=spark --conf=spark.task.cpus=2|--conf cannot set spark.task.cpus: --threads does",
          "--launcher=spark --conf=spark.master=x|--conf cannot set spark.master: Knowcap needs its own; give --master",
          "--launcher=kubernetes --dry-run --image=x|--claim is missing, which --launcher kubernetes needs"})
  void wrongOptionsAreRefused(String options, String message) throws Exception {
    Outcome refused = run("cpu", (Object[]) options.split(" "));
    assertEquals(UserException.USAGE, refused.exitCode(), refused.toString());
    assertTrue(refused.err().contains(message), refused.err());
    assertFalse(Files.exists(directory.resolve("out")));
  }

  @Test
  void kubernetesRetriesWhatARetryMayHelp() throws Exception {
    Outcome written = run("cuda", "--launcher", "kubernetes", "--dry-run", "--image", "lab/knowcap:1",
        "--claim", "studies", "--memory", "8G", "--workers", 2);
    assertEquals(0, written.exitCode(), written.toString());
    Path launch = directory.resolve("out").resolve("launch");
    List<Path> files;
    try (Stream<Path> list = Files.list(launch)) {
      files = list.sorted().toList();
    }
    JsonNode job = new YAMLMapper().readTree(Files.readString(
        files.stream().filter(file -> file.toString().endsWith(".yaml")).findFirst().orElseThrow()));
    String name = job.at("/metadata/name").asString();
    assertTrue(name.matches("knowcap-options-of-clusters-[0-9a-f]{8}"), name);
    assertEquals("Indexed", job.at("/spec/completionMode").asString());
    assertEquals(3, job.at("/spec/completions").asInt());
    assertEquals(2, job.at("/spec/parallelism").asInt());
    assertEquals("FailIndex", job.at("/spec/podFailurePolicy/rules/0/action").asString());
    assertEquals("[1,2]", job.at("/spec/podFailurePolicy/rules/0/onExitCodes/values").toString());
    assertEquals("Ignore", job.at("/spec/podFailurePolicy/rules/1/action").asString());
    assertEquals("Never", job.at("/spec/template/spec/restartPolicy").asString());
    JsonNode container = job.at("/spec/template/spec/containers/0");
    assertEquals(job.at("/spec/podFailurePolicy/rules/0/onExitCodes/containerName").asString(),
        container.at("/name").asString());
    assertEquals("8Gi", container.at("/resources/limits/memory").asString());
    assertEquals(1, container.at("/resources/limits/nvidia.com~1gpu").asInt());
    assertEquals(directory.resolve("out").toAbsolutePath().toString(),
        container.at("/volumeMounts/0/mountPath").asString());

    // What the pod's command takes from the table is the run of its line.
    String command = container.at("/command/2").asString();
    List<String> runs = Files.readAllLines(launch.resolve(name + ".tasks"));
    ProcessBuilder pod = new ProcessBuilder("sh", "-c", command.replace("exec knowcap", "echo"));
    pod.directory(directory.resolve("out").toFile()).environment().put("JOB_COMPLETION_INDEX", "2");
    String said = new String(pod.start().getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(said.strip().endsWith("--run " + runs.get(2)), said);
  }

  @Test
  void aDryRunOfSlurmWritesAndPrintsTheScript() throws Exception {
    Outcome printed = run("cuda", "--launcher", "slurm", "--dry-run", "--sbatch", "--gres=gpu:a100:1",
        "--sbatch", "--account=x");
    assertEquals(0, printed.exitCode(), printed.toString());
    assertTrue(
        printed.out().contains("#SBATCH --gres=gpu:1\n#SBATCH --gres=gpu:a100:1\n#SBATCH --account=x\n"),
        printed.out());
    assertTrue(printed.out().contains("nothing is submitted"), printed.out());
    Process checked = TimeLimit.start(new ProcessBuilder("bash", "-n"));
    try (var script = checked.getOutputStream()) {
      script.write(printed.out()
          .substring(printed.out().indexOf("#!/bin/bash"), printed.out().indexOf("written to"))
          .getBytes(StandardCharsets.UTF_8));
    }
    assertEquals(0, checked.waitFor());
  }

  @Test
  void generateKnowsTwoLaunchers() throws Exception {
    Path spec = Files.writeString(directory.resolve("study.yaml"),
        STUDY.formatted("cpu").replace("[20, 30, 40]", "20"));
    Object out = directory.resolve("out");
    for (List<String> refused : List.of(
        List.of("--launcher=slurm", "generate goes with --launcher local or spark, found --launcher slurm"),
        List.of("--conf=spark.a=1", "--master and --conf are for --launcher spark, found --launcher local"),
        List.of("--launcher=spark", "--describe", "--launcher spark is for writing corpus files"))) {
      Outcome outcome = InProcess.run(Stream
          .concat(Stream.of("generate", spec, "--out", out), refused.subList(0, refused.size() - 1).stream())
          .toArray());
      assertEquals(UserException.USAGE, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err().contains(refused.getLast()), outcome.err());
    }
    assertFalse(Files.exists(directory.resolve("out")));
  }

  @Test
  void withoutItsProfileSparkIsSaidToBeMissing() throws Exception {
    assumeTrue(
        LauncherOptionsTest.class.getClassLoader().getResource("org/knowcap/spark/SparkTasks.class") == null,
        "built with -Pspark");
    Outcome refused = run("cpu", "--launcher", "spark");
    assertEquals(UserException.FAILURE, refused.exitCode(), refused.toString());
    assertTrue(refused.err().contains("built without Spark; 'export KNOWCAP_PROFILES=spark'"), refused.err());
  }
}
