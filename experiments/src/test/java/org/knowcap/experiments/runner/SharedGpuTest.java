package org.knowcap.experiments.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.cli.InProcess;
import org.knowcap.experiments.run.MeasuredRun;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.run.StudyFolder;

/** {@code knowcap run --concurrent}, on the stand-ins for NVIDIA's libraries that the tests of module models build. */
class SharedGpuTest {
  private static final Path STAND_INS = Path.of("..", "models", "target", "emulation")
      .toAbsolutePath()
      .normalize();
  private static final String STUDY = """
      name: shared
      corpus: {kind: bioD, people: 6, attributes: 2, chunks: 1, diversity: 3, length: 2, alphabet: 4,
        pools: {first: 5, middle: 4, last: 10}}
      models: [gpt2-1-2-w8, gpt2-1-1-w8]
      exposures: [10, 20, 30]
      engine: cuda
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 5}
      """;

  @TempDir
  private Path directory;

  private Outcome knowcap(Object... arguments) {
    return KnowcapProcess
        .start(
            Map.of("KNOWCAP_CUDA_LIBRARIES", STAND_INS + File.pathSeparator + STAND_INS.resolve("cublaslt"),
                "XDG_CACHE_HOME", STAND_INS.resolve("cache").toString()),
            List.of(), arguments)
        .end();
  }

  /**
   * Six runs, three of each model and each of another length, four at a time: three train as one, then the other three.
   * Every run is, to the last bit, what it is by itself.
   */
  @Test
  void runsThatShareAGpuAreWhatTheyAreByThemselves() throws Exception {
    assumeTrue(Files.exists(STAND_INS.resolve("libcuda.so.1")),
        "module models' tests have not built the stand-ins: runs on one GPU are not tested");
    Path spec = Files.writeString(directory.resolve("shared.yaml"), STUDY);
    Path alone = directory.resolve("alone");
    Path shared = directory.resolve("shared");
    Outcome one = knowcap("run", spec, "--out", alone, "--workers", 1);
    assertEquals(0, one.exitCode(), one.toString());
    Outcome four = knowcap("run", spec, "--out", shared, "--concurrent", 4);
    assertEquals(0, four.exitCode(), four.toString());
    assertTrue(four.out().contains("6 runs, 0 done before; 4 at a time"), four.out());

    Map<String, MeasuredRun> expected = results(alone);
    Map<String, MeasuredRun> found = results(shared);
    assertEquals(6, expected.size());
    assertEquals(expected.keySet(), found.keySet());
    for (Map.Entry<String, MeasuredRun> entry : expected.entrySet()) {
      RunResult result = found.get(entry.getKey()).result();
      assertEquals(entry.getValue().result().storedBits(), result.storedBits(), entry.getKey());
      assertEquals(entry.getValue().result().finalLossNats(), result.finalLossNats(), entry.getKey());
      assertEquals(losses(alone, entry.getKey()), losses(shared, entry.getKey()));
      assertEquals("3 runs", found.get(entry.getKey()).provenance().get("trained as one"));
    }
  }

  private static Map<String, MeasuredRun> results(Path study) throws IOException {
    Map<String, MeasuredRun> results = new TreeMap<>();
    for (RunStatus status : StudyFolder.open(study).states()) {
      if (status.state() instanceof RunState.Done(MeasuredRun run)) {
        results.put(status.name(), run);
      }
    }
    return results;
  }

  private static List<List<Number>> losses(Path study, String run) throws IOException {
    RunFolder folder = StudyFolder.open(study).runFolder(run);
    return folder.readMetrics()
        .stream()
        .map(metric -> List.<Number>of(metric.step(), metric.loss()))
        .toList();
  }

  @Test
  void enginesThatShareNothingAreRefused() throws Exception {
    for (String engine : List.of("cpu", "nd4j", "auto")) {
      Path spec = Files.writeString(directory.resolve(engine + ".yaml"),
          STUDY.replace("engine: cuda", "engine: " + engine));
      Outcome outcome = InProcess.run("run", spec, "--out", directory.resolve(engine), "--concurrent", 2);
      assertEquals(2, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err()
          .contains("--concurrent is for runs that share a GPU, but the study says 'engine: " + engine + "'"),
          outcome.err());
    }
    Path spec = Files.writeString(directory.resolve("both.yaml"), STUDY);
    Outcome both = InProcess.run("run", spec, "--out", directory.resolve("both"), "--concurrent", 2,
        "--workers", 2);
    assertEquals(2, both.exitCode(), both.toString());
    assertTrue(both.err().contains("not both"), both.err());
    try (Stream<Path> files = Files.list(directory)) {
      assertTrue(files.allMatch(file -> file.toString().endsWith(".yaml")), "something was made");
    }
  }
}
