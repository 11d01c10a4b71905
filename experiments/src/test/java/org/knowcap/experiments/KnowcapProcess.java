package org.knowcap.experiments;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.knowcap.experiments.cli.Knowcap;
import org.knowcap.testing.TimeLimit;

/** The command line in a process of its own, started as the launcher starts it. */
public final class KnowcapProcess {
  /** How a process ended, and what it said. */
  public record Outcome(int exitCode, String out, String err) {}

  private final Process process;
  private final Path out;
  private final Path err;

  private KnowcapProcess(Process process, Path out, Path err) {
    this.process = process;
    this.out = out;
    this.err = err;
  }

  /**
   * A supervisor ends before the optimising compiler pays, and its workers, which train, drop the first flag. By the second each
   * process counts one core, so that a study has one worker unless its test asks for more: each compiles the same loops.
   */
  private static final List<String> SMALL = List.of("-XX:TieredStopAtLevel=1", "-XX:ActiveProcessorCount=1");

  /** A Java process with the project's flags. */
  public static ProcessBuilder java(Class<?> main, List<String> flags, String... arguments) {
    List<String> command = new ArrayList<>(
        List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
            "-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-XX:+UseSerialGC"));
    command.addAll(SMALL);
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("OMP_NUM_THREADS", "1");
    builder.environment().put("OMP_WAIT_POLICY", "passive");
    return builder;
  }

  /** Starts {@code knowcap} with these JVM flags and arguments. */
  public static KnowcapProcess start(List<String> flags, Object... arguments) {
    return start(Map.of(), flags, arguments);
  }

  /** Starts it with variables of the environment besides. */
  public static KnowcapProcess start(Map<String, String> environment, List<String> flags,
      Object... arguments) {
    try {
      Path out = Files.createTempFile("knowcap-out", ".txt");
      Path err = Files.createTempFile("knowcap-err", ".txt");
      String[] words = new String[arguments.length];
      for (int i = 0; i < words.length; i++) {
        words[i] = arguments[i].toString();
      }
      ProcessBuilder builder = java(Knowcap.class, flags, words);
      builder.environment().putAll(environment);
      Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
      return new KnowcapProcess(process, out, err);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs {@code knowcap} with these arguments to its end. */
  public static Outcome run(Object... arguments) {
    return start(List.of(), arguments).end();
  }

  /** Runs {@code knowcap} with these arguments; it must end well. */
  public static Outcome succeeds(Object... arguments) {
    Outcome outcome = run(arguments);
    assertEquals(0, outcome.exitCode(), () -> Arrays.toString(arguments) + ": " + outcome);
    return outcome;
  }

  public ProcessHandle handle() {
    return process.toHandle();
  }

  /** Waits for the end. */
  public Outcome end() {
    try {
      if (!process.waitFor(TimeLimit.SECONDS, TimeUnit.SECONDS)) {
        handle().descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
        throw new AssertionError("no end after " + TimeLimit.SECONDS + " s: " + outcome());
      }
      return outcome();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private Outcome outcome() throws IOException {
    Outcome outcome = new Outcome(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8),
        Files.readString(err, StandardCharsets.UTF_8));
    Files.delete(out);
    Files.delete(err);
    return outcome;
  }
}
