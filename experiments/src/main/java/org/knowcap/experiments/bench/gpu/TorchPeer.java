package org.knowcap.experiments.bench.gpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.experiments.study.Json;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** What PyTorch reaches at a shape, as {@code benchmarks/peer_torch.py} says. */
final class TorchPeer {
  private TorchPeer() {}

  /**
   * Runs the script with the {@code python3} on the path.
   *
   * @param mode eager, compile or max-autotune
   */
  static GpuResult.Peer measure(Path script, TrainingShape shape, String mode, double seconds)
      throws IOException, InterruptedException {
    List<String> command = List.of("python3", script.toString(), "--seconds", Double.toString(seconds),
        "--shape", shape.name(), "--modes", mode);
    String versions = "";
    String output = Python.output(command);
    for (String line : output.lines().toList()) {
      try {
        JsonNode node = Json.MAPPER.readTree(line);
        if (node.has("torch")) {
          versions = "PyTorch " + node.path("torch").asString() + ", CUDA " + node.path("cuda").asString();
        } else if (node.has("error")) {
          throw UserException.failure("PyTorch could not do it: " + node.path("error").asString());
        } else if (node.has("tokens_per_second")) {
          return new GpuResult.Peer(GpuItem.name(shape), mode, node.path("tokens_per_second").asDouble(),
              node.path("peak_bytes").asLong(), versions);
        }
      } catch (JacksonException e) {
        throw UserException.failure(
            script + " must print a JSON object a line: " + e.getOriginalMessage() + "; found: " + line);
      }
    }
    throw UserException.failure(script + " does not know the shape '" + shape.name() + "'");
  }
}
