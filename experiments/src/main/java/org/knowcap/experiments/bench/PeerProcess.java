package org.knowcap.experiments.bench;

import org.knowcap.files.Folders;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.engine.Execution;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A peer in a process of its own. It writes JSON objects, one a line: for each of its modes the losses of its first
 * steps ({@code mode, losses}) or why it does not run ({@code mode, error}), then {@code ready} with its version and,
 * if it measures that, {@code matmul_gflops}: what its matmuls alone reach, in 10^9 operations a second.
 * From then on it takes steps only when it is asked by a line with a mode and seconds, which it answers with {@code
 * tokens_per_second}.
 */
final class PeerProcess implements AutoCloseable {
  private static final double OF_WHAT_WAS_LEARNT = 0.03;

  private final String name;
  private final Path folder;
  private final Path errors;
  private final Process process;
  private final BufferedReader answers;
  private final Writer questions;
  private final Map<String, List<Double>> losses = new LinkedHashMap<>();
  private final Map<String, String> failures = new LinkedHashMap<>();
  private final String version;
  private final Optional<Double> matmulGigaflops;
  /** Where this process is stopped by a signal. */
  private final Thread onExit = Thread.ofPlatform().unstarted(this::end);

  private PeerProcess(String name, Path folder, ProcessBuilder builder) throws IOException {
    this.name = name;
    this.folder = folder;
    errors = folder.resolve("errors.txt");
    process = start(name, builder.redirectError(errors.toFile()));
    answers = process.inputReader(StandardCharsets.UTF_8);
    questions = process.outputWriter(StandardCharsets.UTF_8);
    Runtime.getRuntime().addShutdownHook(onExit);
    JsonNode ready = hearModes();
    version = ready.get("ready").asString();
    matmulGigaflops = ready.path("matmul_gflops").asDoubleOpt().stream().boxed().findFirst();
  }

  /**
   * Starts a peer and has it take the first steps.
   *
   * @throws UserException where it cannot be had or fails, with what it said
   */
  static PeerProcess start(Peer peer, TrainingShape shape, Execution execution) throws IOException {
    return start(peer.label(), shape, execution, peer::command);
  }

  /** What a peer's process is started by, given the folder of its task. */
  interface Command {
    List<String> of(Path folder) throws IOException;
  }

  /** Starts a peer by any command. */
  static PeerProcess start(String name, TrainingShape shape, Execution execution, Command command)
      throws IOException {
    Path folder = Files.createTempDirectory("knowcap-peer");
    try {
      PeerTask.of(shape, execution).write(folder, shape);
      ProcessBuilder builder = new ProcessBuilder(command.of(folder));
      Peer.plain(builder.environment(), execution.threads());
      return new PeerProcess(name, folder, builder);
    } catch (IOException | RuntimeException e) {
      Folders.delete(folder);
      throw e;
    }
  }

  private static Process start(String name, ProcessBuilder builder) {
    try {
      return builder.start();
    } catch (IOException e) {
      throw UserException.failure("the peer '" + name + "' needs " + builder.command().getFirst()
          + ", which does not start: " + e.getMessage());
    }
  }

  private JsonNode hearModes() throws IOException {
    try {
      for (JsonNode said = hear();; said = hear()) {
        if (said.has("ready")) {
          return said;
        } else if (said.has("error")) {
          failures.put(said.path("mode").asString(), said.get("error").asString());
        } else {
          List<Double> each = new ArrayList<>();
          said.path("losses").forEach(loss -> each.add(loss.asDouble()));
          losses.put(said.path("mode").asString(), each);
        }
      }
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private JsonNode hear() throws IOException {
    String line = answers.readLine();
    if (line == null) {
      throw ended();
    }
    try {
      return Json.MAPPER.readTree(line);
    } catch (JacksonException e) {
      throw UserException.failure("the peer '" + name + "' must say a JSON object a line; found: " + line);
    }
  }

  private UserException ended() throws IOException {
    String last = Files.readString(errors, StandardCharsets.UTF_8)
        .lines()
        .filter(line -> !line.isBlank())
        .reduce("", (_, line) -> line);
    return UserException.failure("the peer '" + name + "' ended with exit code "
        + process.onExit().join().exitValue() + (last.isEmpty() ? ", and said nothing" : ": " + last));
  }

  /** The library and its version. */
  String version() {
    return version;
  }

  /** What its matmuls alone reach in the precision of the training, in 10^9 operations a second, if it measures that. */
  Optional<Double> matmulGigaflops() {
    return matmulGigaflops;
  }

  /** The modes that run, in the order the peer named them. */
  List<String> modes() {
    return List.copyOf(losses.keySet());
  }

  /** Errors of the modes that do not run, by their names. */
  Map<String, String> failures() {
    return Map.copyOf(failures);
  }

  /**
   * Refuses a mode that trains another model than Knowcap does.
   *
   * @param expected our losses of the first steps
   * @param tolerance of the first step's loss, in nats; later ones may also be off by {@value #OF_WHAT_WAS_LEARNT}
   *     of what was learnt until then, as DJL's AdamW uses epsilon in another way
   */
  void check(List<Double> expected, double tolerance) {
    losses.forEach((mode, found) -> {
      for (int i = 0; i < expected.size(); i++) {
        double allowed = tolerance + OF_WHAT_WAS_LEARNT * Math.abs(expected.getFirst() - expected.get(i));
        if (i >= found.size() || !(Math.abs(found.get(i) - expected.get(i)) <= allowed)) {
          throw UserException.failure(String.format(Locale.ROOT,
              "the peer '%s' (%s) does not train our model: losses %s where ours are %s", name, mode, found,
              expected));
        }
      }
    });
  }

  /** Tokens a second over a stretch of whole steps. */
  double tokensPerSecond(String mode, double seconds) throws IOException {
    try {
      questions.write(mode + " " + seconds + "\n");
      questions.flush();
    } catch (IOException e) {
      throw ended();
    }
    JsonNode said = hear();
    if (!said.path("tokens_per_second").isNumber()) {
      throw UserException.failure("the peer '" + name + "' must say tokens_per_second; found: " + said);
    }
    return said.get("tokens_per_second").asDouble();
  }

  @Override
  public void close() {
    try {
      questions.close();
    } catch (IOException e) {
      // It is gone already.
    }
    end();
    try {
      Runtime.getRuntime().removeShutdownHook(onExit);
    } catch (IllegalStateException e) {
      // We are being stopped, and the hook has done it or is about to.
    }
  }

  /** Ends the process and deletes its folder. */
  private synchronized void end() {
    process.destroy();
    process.onExit().join();
    try {
      Folders.delete(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
