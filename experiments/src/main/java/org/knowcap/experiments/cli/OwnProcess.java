package org.knowcap.experiments.cli;

import picocli.CommandLine.Model.CommandSpec;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.experiments.runner.ChildProcess;

/** Runs commands that use engines in a process of their own, with the settings that engines need. */
final class OwnProcess {
  private OwnProcess() {}

  /**
   * Runs the command that this process was started with.
   *
   * @return its exit code
   */
  static int again(CommandSpec command, int threads) throws IOException, InterruptedException {
    return run(threads, command.root().commandLine().getParseResult().originalArgs());
  }

  /**
   * Runs a command with this process's standard input and output.
   *
   * @return its exit code
   */
  static int run(int threads, List<String> arguments) throws IOException, InterruptedException {
    Process process = ChildProcess.builder(threads, arguments.toArray(String[]::new))
        .redirectInput(ProcessBuilder.Redirect.INHERIT)
        .redirectOutput(ProcessBuilder.Redirect.INHERIT)
        .start();
    // A signal to this process is meant for that one, which may have something to save.
    Thread passOn = Thread.ofPlatform().unstarted(() -> {
      process.destroy();
      process.onExit().join();
    });
    Runtime.getRuntime().addShutdownHook(passOn);
    passOnErrors(process);
    return process.waitFor();
  }

  /**
   * Runs another command for this one.
   *
   * @return what it wrote to standard output, and its exit code
   */
  static Answer ask(CommandSpec command, int threads, List<String> arguments)
      throws IOException, InterruptedException {
    Process process = Knowcap.starter(command).start(threads, arguments, Map.of(), Optional.empty());
    Thread errors = Thread.ofPlatform().start(() -> passOnErrors(process));
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    errors.join();
    return new Answer(output, process.waitFor());
  }

  record Answer(String output, int exitCode) {}

  /** Passes on the standard error of a process, without Java's warning about the Vector API. */
  private static void passOnErrors(Process process) {
    try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.equals(ChildProcess.WARNING)) {
          System.err.println(line);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
