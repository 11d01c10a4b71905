package org.knowcap.experiments.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.testing.TimeLimit;

/** What is read from the peer's script, played by scripts that need no PyTorch. */
class TorchPeerTest {
  private static final TrainingShape SHAPE = GpuItem.SHAPES.getFirst();
  /** The head of any stand-in. */
  private static final String HEAD = """
      import json, sys
      print(json.dumps({"torch": "2.7", "cuda": "12.8", "gpu": "one"}))
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

  private GpuResult.Peer run(String script) throws IOException, InterruptedException {
    Path file = Files.writeString(folder.resolve("peer.py"), HEAD + script);
    return TorchPeer.measure(file, SHAPE, "compile", 1.5);
  }

  @Test
  void aModeOfAShapeIsAskedForAndRead() throws Exception {
    assertEquals(new GpuResult.Peer("gpt2-2-2@96", "compile", 30, 5, "PyTorch 2.7, CUDA 12.8"), run("""
        assert sys.argv[1:] == ["--seconds", "1.5", "--shape", "%s", "--modes", "compile"], sys.argv
        print(json.dumps({"shape": "%s", "mode": "compile", "tokens_per_second": 30, "peak_bytes": 5}))
        """.formatted(SHAPE.name(), SHAPE.name())));
  }

  @Test
  void aScriptThatFailsOrSaysNonsenseIsNamed() {
    assertTrue(
        assertThrows(UserException.class, () -> run("sys.exit(3)\n")).getMessage().contains("exit code 3"));
    assertTrue(assertThrows(UserException.class, () -> run("print('Hello')\n")).getMessage()
        .contains("found: Hello"));
    assertTrue(assertThrows(UserException.class, () -> run("print(json.dumps({'error': 'no compiler'}))\n"))
        .getMessage()
        .contains("no compiler"));
    assertTrue(
        assertThrows(UserException.class, () -> run("")).getMessage().contains("does not know the shape"));
  }

  /** The real script knows each shape by the name that it is asked for. */
  @Test
  void theScriptKnowsTheShapes() throws Exception {
    String script = Files.readString(Path.of("..", "benchmarks", "peer_torch.py"));
    Path file = Files.writeString(folder.resolve("names.py"),
        script.replaceFirst("(?s)try:\\n    import torch.*?as F\\n", "")
            .replaceAll("(?s)class Mixture.*", "print(*SHAPES, sep='\\\\n')\n"));
    Process process = new ProcessBuilder("python3", file.toString()).redirectErrorStream(true).start();
    String names = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    for (TrainingShape shape : GpuItem.SHAPES) {
      assertTrue(names.lines().toList().contains(shape.name()), shape.name() + " is none of " + names);
    }
  }
}
