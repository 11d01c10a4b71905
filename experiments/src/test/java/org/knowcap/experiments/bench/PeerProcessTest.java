package org.knowcap.experiments.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.UserException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.engine.cpu.CpuEngine;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.training.InitialParameters;
import org.knowcap.testing.TimeLimit;

/** Peers in their processes, played by scripts where PyTorch itself is not what is tested. */
class PeerProcessTest {
  private static final TrainingShape SHAPE = new TrainingShape(ModelSpec.parse("gpt2-2-2-w16"), 37, 19, 3);
  /** A peer that says what it was given: its process, environment and native threads. */
  private static final String STAND_IN = """
      import json, os, sys
      def say(**what): print(json.dumps(what), flush=True)
      task = json.load(open(sys.argv[1] + "/task.json"))
      sizes = [os.path.getsize(sys.argv[1] + "/" + name) for name in ("parameters.f32", "tokens.i32", "targets.i32")]
      say(mode="eager", losses=[1.5, 1.25])
      say(mode="compile", error="no compiler")
      say(ready=json.dumps([os.getpid(), dict(os.environ), task, sizes]))
      for line in sys.stdin:
          mode, seconds = line.split()
          if mode == "die": sys.exit("out of memory")
          say(tokens_per_second=float(seconds) * 1000)
      """;

  @TempDir
  private Path folder;

  @BeforeAll
  static void pythonIsHere() throws InterruptedException {
    try {
      assumeTrue(TimeLimit.start(new ProcessBuilder("python3", "--version")).waitFor() == 0, "no python3");
    } catch (IOException e) {
      assumeTrue(false, "no python3");
    }
  }

  private PeerProcess play(String script) throws IOException {
    Path file = Files.writeString(folder.resolve("peer.py"), script);
    return PeerProcess.start("stand-in", SHAPE, new Execution(2, Precision.BF16),
        given -> List.of("python3", file.toString(), given.toString()));
  }

  private static Set<Path> leftovers() throws IOException {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return Set
          .copyOf(files.filter(file -> file.getFileName().toString().startsWith("knowcap-peer")).toList());
    }
  }

  /** It has this process's environment but for what sets threads and memory, of which it has the peers' own settings. */
  @Test
  void aPeerHasAProcessOfItsOwnWithNothingOfOurs() throws Exception {
    Map<String, String> ours = Map.of("OMP_WAIT_POLICY", "passive", "OMP_NUM_THREADS", "1",
        "OPENBLAS_NUM_THREADS", "1", "MKL_NUM_THREADS", "1", "KMP_BLOCKTIME", "0", "GOMP_SPINCOUNT", "0",
        "MALLOC_ARENA_MAX", "1", "PATH", "/bin", "LANG", "C");
    Map<String, String> environment = new TreeMap<>(ours);
    Peer.plain(environment, 2);
    Map<String, String> expected = new TreeMap<>(
        Map.of("PATH", "/bin", "LANG", "C", "OMP_NUM_THREADS", "2", "MALLOC_MMAP_THRESHOLD_", "4294967296",
            "MALLOC_TRIM_THRESHOLD_", "17179869184", "MALLOC_TOP_PAD_", "268435456"));
    assertEquals(expected, environment);

    long before = ProcessHandle.current().children().count();
    Set<Path> leftovers = leftovers();
    try (PeerProcess peer = play(STAND_IN)) {
      var said = org.knowcap.experiments.study.Json.MAPPER.readTree(peer.version());
      assertNotEquals(ProcessHandle.current().pid(), said.get(0).asLong());
      assertEquals("2", said.get(1).get("OMP_NUM_THREADS").asString());
      assertFalse(said.get(1).has("OMP_WAIT_POLICY"), said.get(1).toString());
      assertEquals(2, said.get(2).get("threads").asInt());
      assertEquals("bf16", said.get(2).get("precision").asString());
      assertEquals(4 * SHAPE.program().parameterCount(), said.get(3).get(0).asLong());
      assertEquals(List.of(4L * SHAPE.tokens(), 4L * SHAPE.tokens()),
          List.of(said.get(3).get(1).asLong(), said.get(3).get(2).asLong()));
      assertEquals(Optional.empty(), peer.matmulGigaflops());
      assertEquals(List.of("eager"), peer.modes());
      assertEquals(Map.of("compile", "no compiler"), peer.failures());
      assertEquals(250, peer.tokensPerSecond("eager", 0.25));
      peer.check(List.of(1.5, 1.2501), 2e-4);
      UserException other = assertThrows(UserException.class, () -> peer.check(List.of(1.5, 1.26), 2e-4));
      assertTrue(other.getMessage().contains("does not train our model"), other.getMessage());
      UserException more = assertThrows(UserException.class, () -> peer.check(List.of(1.5, 1.25, 1.0), 2e-4));
      assertTrue(more.getMessage().contains("[1.5, 1.25]"), more.getMessage());
    }
    assertEquals(before, ProcessHandle.current().children().count());
    assertEquals(leftovers, leftovers());
  }

  @Test
  void aPeerThatFailsIsNamedWithWhatItSaidLast() throws Exception {
    Set<Path> leftovers = leftovers();
    for (var each : Map
        .of("import sys; print('before', file=sys.stderr); sys.exit('no PyTorch: install it')",
            "exit code 1: no PyTorch: install it", "pass", "exit code 0, and said nothing", "print('Hello')",
            "found: Hello")
        .entrySet()) {
      UserException failed = assertThrows(UserException.class, () -> play(each.getKey()));
      assertTrue(failed.getMessage().contains("'stand-in'") && failed.getMessage().endsWith(each.getValue()),
          failed.getMessage());
    }
    try (PeerProcess peer = play(STAND_IN)) {
      UserException died = assertThrows(UserException.class, () -> peer.tokensPerSecond("die", 1));
      assertTrue(died.getMessage().endsWith("exit code 1: out of memory"), died.getMessage());
    }
    UserException missing = assertThrows(UserException.class, () -> PeerProcess.start("stand-in", SHAPE,
        Execution.PLAIN, _ -> List.of(folder.resolve("no-python3").toString())));
    assertTrue(missing.getMessage().contains("no-python3, which does not start"), missing.getMessage());
    assertEquals(leftovers, leftovers());
  }

  /** The real script where PyTorch is missing or too old, which a module of that name plays. */
  @Test
  void aPyTorchThatIsMissingOrTooOldIsToldWithWhatToDo() throws Exception {
    for (Map.Entry<String, List<String>> each : Map
        .of("raise ImportError('No module named torch')",
            List.of("cannot import PyTorch (No module named torch)", "pip install torch"),
            "__version__ = '1.13.1'", List.of("must be 2.0 or later, found 1.13.1", "--upgrade torch"))
        .entrySet()) {
      Files.writeString(folder.resolve("torch.py"), each.getKey());
      UserException refused = assertThrows(UserException.class,
          () -> PeerProcess.start("torch", SHAPE, Execution.PLAIN, given -> {
            List<String> command = new ArrayList<>(List.of("env", "PYTHONPATH=" + folder));
            command.addAll(Peer.TORCH.command(given));
            return command;
          }));
      assertTrue(each.getValue().stream().allMatch(refused.getMessage()::contains)
          && refused.getMessage().lines().count() == 1, refused.getMessage());
    }
  }

  /**
   * The bench measures a peer before, beside and after ours: a stand-in on the path counts its starts, is slower in its second,
   * and looks meanwhile how long our process computes.
   */
  @Tag("process")
  @Test
  void aPeerThatIsSlowerBesideOursIsSaid() throws Exception {
    TrainingShape shape = TrainingShape.ALL.getFirst();
    Path script = Files.writeString(folder.resolve("peer.py"), """
        import json, os, pathlib, sys, time
        here = pathlib.Path(sys.argv[1])
        starts = here / "starts"
        start = int(starts.read_text()) + 1 if starts.exists() else 1
        starts.write_text(str(start))
        def say(**what): print(json.dumps(what), flush=True)
        def used():
            fields = open(f"/proc/{os.getppid()}/stat").read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        for mode in "eager", "compile": say(mode=mode, losses=%s)
        say(ready="Played 1.0", matmul_gflops=0.25)
        for line in sys.stdin:
            mode, seconds = line.split()
            if start == 2 and float(seconds) < 0.1:
                before, began = used(), time.monotonic()
                time.sleep(0.25)
                with open(here / "used", "a") as out:
                    print((used() - before) / (time.monotonic() - began), file=out)
            say(tokens_per_second=1000 if start != 2 else 960 if mode == "eager" else 900)
        """.formatted(losses(shape)));
    Path bin = Files.createDirectories(folder.resolve("bin"));
    assertTrue(Files
        .writeString(bin.resolve("python3"),
            "#!/bin/sh\nexec '%s' '%s' '%s'\n".formatted(python(), script, folder))
        .toFile()
        .setExecutable(true));
    KnowcapProcess.Outcome outcome = KnowcapProcess
        .start(Map.of("PATH", bin + File.pathSeparator + System.getenv("PATH")),
            List.of("--add-modules=jdk.incubator.vector"), "bench", "cpu", "--peer", "torch", "--peer-alone",
            "--precision", "fp32", "--threads", 2, "--shape", shape.model().name(), "--seconds", 0.05)
        .end();
    assertEquals(0, outcome.exitCode(), outcome.toString());
    assertEquals("3", Files.readString(folder.resolve("starts")));
    assertTrue(outcome.out()
        .contains(
            "Played 1.0, compile: 900; its matmuls 0 GFLOP/s; alone 1k, so beside ours it reaches 90.0 %"),
        outcome.out());
    assertEquals(1, outcome.out().lines().filter(line -> line.startsWith("slower matmuls: ")).count(),
        outcome.out());
    List<String> hindered = outcome.out().lines().filter(line -> line.startsWith("not at its best")).toList();
    assertEquals(1, hindered.size(), outcome.out());
    assertTrue(hindered.getFirst().contains("Played 1.0, compile") && hindered.getFirst().contains("90.0 %"),
        hindered.getFirst());
    // Threads of ours that spin while they wait would have computed in each of its stretches.
    List<Double> used = Files.readAllLines(folder.resolve("used")).stream().map(Double::valueOf).toList();
    assertEquals(10, used.size());
    assertTrue(used.stream().mapToDouble(each -> each).min().orElseThrow() < 0.2, used::toString);
  }

  private static String python() throws IOException {
    Process which = new ProcessBuilder("sh", "-c", "command -v python3").start();
    return new String(which.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
  }

  private static List<Double> losses(TrainingShape shape) {
    List<Double> losses = new ArrayList<>();
    try (Session session = CpuEngine.withoutNatives().compile(shape.program(), Execution.PLAIN)) {
      session.load(Map.of(Session.PARAMETERS, InitialParameters.of(shape.program(), CpuSpeed.SEED)));
      for (int step = 1; step <= PeerTask.CHECKED_STEPS; step++) {
        session.step(shape.ids(CpuSpeed.TOKENS), shape.ids(CpuSpeed.TARGETS), CpuSpeed.LEARNING_RATE, step);
        losses.add(session.loss());
      }
    }
    return losses;
  }

  /** The real script in the PyTorch that is here: the same losses as ours from the same parameters, step by step. */
  @Test
  void pyTorchTrainsOurModel() throws Exception {
    assumeTrue(TimeLimit.start(new ProcessBuilder("python3", "-c", "import torch").redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)).waitFor() == 0, "python3 has no PyTorch");
    List<Double> losses = losses(SHAPE);
    try (PeerProcess peer = PeerProcess.start(Peer.TORCH, SHAPE, Execution.PLAIN)) {
      assertTrue(peer.version().startsWith("PyTorch 2."), peer.version());
      assertTrue(peer.modes().contains("eager"), peer.failures().toString());
      peer.check(losses, 1e-5);
      assertTrue(peer.tokensPerSecond("eager", 0.01) > 0);
      assertTrue(peer.matmulGigaflops().orElseThrow() > 1);
    }
  }
}
