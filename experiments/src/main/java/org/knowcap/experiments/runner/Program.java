package org.knowcap.experiments.runner;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** A program of this machine, run to its end. */
final class Program {
  /** What a program printed, and its exit code. */
  record Outcome(int exitCode, String output, String errors) {
    boolean succeeded() {
      return exitCode == 0;
    }

    /** What it said of its failure, in one line. */
    String complaint() {
      String said = (errors.isBlank() ? output : errors).strip().replaceAll("\\s*\\R\\s*", "; ");
      return "exit code " + exitCode + (said.isEmpty() ? ", without a message" : ": " + said);
    }
  }

  private Program() {}

  /**
   * Runs a program from the PATH.
   *
   * @throws IOException where there is none
   */
  static Outcome run(String... command) throws IOException, InterruptedException {
    return run(Path.of(""), command);
  }

  /**
   * Runs a program from the PATH in a folder.
   *
   * @throws IOException where there is none
   */
  static Outcome run(Path folder, String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).directory(folder.toAbsolutePath().toFile()).start();
    process.getOutputStream().close();
    // Both at a time: a program whose errors nobody reads would wait for ever.
    CompletableFuture<String> errors = CompletableFuture.supplyAsync(() -> {
      try (var said = process.getErrorStream()) {
        return new String(said.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        return "";
      }
    });
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), output, errors.join());
  }
}
