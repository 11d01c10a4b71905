package org.knowcap.experiments.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What PyTorch reached on the shapes of {@link GpuSpeed}, as {@code benchmarks/peer_torch.py} says.
 *
 * @param versions PyTorch's and CUDA's
 * @param speeds of each shape and mode that ran
 * @param failures of those that did not
 */
public record TorchPeer(String versions, List<Speed> speeds, List<Failure> failures) {
  /** Of one {@link TrainingShape#name() shape} in one mode: eager, compile or max-autotune. */
  public record Speed(String shape, String mode, double tokensPerSecond, long peakBytes) {}

  /** What a mode could not do. */
  public record Failure(String shape, String mode, String error) {}

  /** Runs the script with the {@code python3} on the path; each line it prints is heard by {@code progress}. */
  public static TorchPeer measure(Path script, List<TrainingShape> shapes, double seconds,
      Consumer<String> progress) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(
        List.of("python3", script.toString(), "--seconds", Double.toString(seconds)));
    shapes.forEach(shape -> command.addAll(List.of("--shape", shape.name())));
    String versions = "";
    List<Speed> speeds = new ArrayList<>();
    List<Failure> failures = new ArrayList<>();
    Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (BufferedReader lines = process.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        progress.accept("peer: " + line);
        try {
          JsonNode node = Json.MAPPER.readTree(line);
          if (node.has("torch")) {
            versions = "PyTorch " + node.path("torch").asString() + ", CUDA " + node.path("cuda").asString();
          } else if (node.has("error")) {
            failures.add(Json.MAPPER.treeToValue(node, Failure.class));
          } else {
            speeds.add(Json.MAPPER.treeToValue(node, Speed.class));
          }
        } catch (JacksonException e) {
          throw UserException.failure(
              script + " must print a JSON object a line: " + e.getOriginalMessage() + "; found: " + line);
        }
      }
    } finally {
      process.destroy();
    }
    int exitCode = process.waitFor();
    if (exitCode != 0) {
      throw UserException.failure("the peer (" + String.join(" ", command) + ") ended with exit code "
          + exitCode + "; its own message is above. What was measured before it is in the folder");
    }
    return new TorchPeer(versions, List.copyOf(speeds), List.copyOf(failures));
  }

  /** The fastest mode at a shape. */
  public Optional<Speed> best(String shape) {
    return speeds.stream()
        .filter(speed -> speed.shape().equals(shape))
        .max(Comparator.comparingDouble(Speed::tokensPerSecond));
  }
}
