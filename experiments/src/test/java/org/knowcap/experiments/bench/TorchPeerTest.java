package org.knowcap.experiments.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.UserException;

/** What is read from the peer's script, played by scripts that need no PyTorch. */
@Tag("process")
class TorchPeerTest {
  private static final List<TrainingShape> SHAPES = GpuSpeed.SHAPES.subList(0, 2);
  /** The head of any stand-in: the shapes that it was asked for, in order. */
  private static final String HEAD = """
      import json, sys
      shapes = [sys.argv[i + 1] for i, a in enumerate(sys.argv) if a == "--shape"]
      print(json.dumps({"torch": "2.7", "cuda": "12.8", "gpu": "one"}))
      """;

  @TempDir
  private Path folder;

  @BeforeAll
  static void pythonIsHere() throws InterruptedException {
    try {
      assumeTrue(new ProcessBuilder("python3", "--version").start().waitFor() == 0, "no python3");
    } catch (IOException e) {
      assumeTrue(false, "no python3");
    }
  }

  private TorchPeer run(String script) throws IOException, InterruptedException {
    Path file = Files.writeString(folder.resolve("peer.py"), HEAD + script);
    return TorchPeer.measure(file, SHAPES, 1.5, new ArrayList<>()::add);
  }

  @Test
  void theFastestModeOfAShapeCounts() throws Exception {
    TorchPeer peer = run("""
        assert sys.argv[1:3] == ["--seconds", "1.5"], sys.argv
        for mode, rate in [("eager", 10), ("compile", 30), ("max-autotune", 20)]:
            print(json.dumps({"shape": shapes[0], "mode": mode, "tokens_per_second": rate, "peak_bytes": 5}))
        print(json.dumps({"shape": shapes[1], "mode": "compile", "error": "no compiler"}))
        """);
    assertEquals("PyTorch 2.7, CUDA 12.8", peer.versions());
    assertEquals(new TorchPeer.Speed(SHAPES.get(0).name(), "compile", 30, 5),
        peer.best(SHAPES.get(0).name()).orElseThrow());
    assertTrue(peer.best(SHAPES.get(1).name()).isEmpty());
    assertEquals(List.of(new TorchPeer.Failure(SHAPES.get(1).name(), "compile", "no compiler")),
        peer.failures());
  }

  @Test
  void aScriptThatFailsOrSaysNonsenseIsNamed() {
    UserException failed = assertThrows(UserException.class, () -> run("sys.exit(3)\n"));
    assertTrue(failed.getMessage().contains("exit code 3"), failed.getMessage());
    UserException nonsense = assertThrows(UserException.class, () -> run("print('Hello')\n"));
    assertTrue(nonsense.getMessage().contains("found: Hello"), nonsense.getMessage());
  }

  /** The real script knows each shape of a plain GPT2 by the name that it is asked for. */
  @Test
  void theScriptKnowsTheShapes() throws Exception {
    String script = Files.readString(Path.of("..", "benchmarks", "peer_torch.py"));
    Path file = Files.writeString(folder.resolve("names.py"), script.replaceAll("(?m)^import torch.*\\n", "")
        .replaceAll("(?s)class Mixture.*", "print(*SHAPES, sep='\\\\n')\n"));
    Process process = new ProcessBuilder("python3", file.toString()).redirectErrorStream(true).start();
    String names = new String(process.getInputStream().readAllBytes());
    for (TrainingShape shape : GpuSpeed.SHAPES) {
      assertTrue(names.lines().toList().contains(shape.name()), shape.name() + " is none of " + names);
    }
  }
}
