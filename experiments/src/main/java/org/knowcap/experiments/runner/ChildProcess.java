package org.knowcap.experiments.runner;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.models.engine.cpu.CpuEngine;

/**
 * Starts this program again in a new process, with settings that only a new process can have: the number of threads
 * of native libraries, and the Vector API. On standard error Java warns that this module is incubating, so the
 * process that people see runs without it.
 */
public final class ChildProcess {
  private static final String VECTORS = "jdk.incubator.vector";
  /** Java's warning about the Vector API on standard error, which people need not see. */
  public static final String WARNING = "WARNING: Using incubator modules: " + VECTORS;

  /** The launcher gives it to commands that end soon. A process that trains needs the optimising compiler. */
  private static final String QUICK_COMPILER = "-XX:TieredStopAtLevel=1";

  /** Starts this program again. Tests start it in a thread of their own, where the engine's loops are compiled already. */
  public interface Starter {
    /**
     * Starts it with pipes for its standard input and output.
     *
     * @param threads for the engine's native libraries
     * @param arguments of the command line
     * @param environment variables besides those of this process
     * @param log file that standard error is appended to; a pipe if empty
     */
    Process start(int threads, List<String> arguments, Map<String, String> environment, Optional<Path> log)
        throws IOException;
  }

  private ChildProcess() {}

  /** A {@link Starter} of real processes. */
  public static Process start(int threads, List<String> arguments, Map<String, String> environment,
      Optional<Path> log) throws IOException {
    ProcessBuilder builder = builder(threads, arguments.toArray(String[]::new));
    builder.environment().putAll(environment);
    log.ifPresent(file -> builder.redirectError(ProcessBuilder.Redirect.appendTo(file.toFile())));
    return builder.start();
  }

  /** Whether this process has the Vector API. */
  public static boolean hasVectors() {
    return ModuleLayer.boot().findModule(VECTORS).isPresent();
  }

  /**
   * A process of the same JVM, flags and class path.
   *
   * @param threads for the engine's native libraries
   * @param arguments of the command line
   */
  public static ProcessBuilder builder(int threads, String... arguments) {
    ProcessBuilder builder = new ProcessBuilder(command(arguments));
    builder.environment().putAll(environment(threads));
    return builder;
  }

  /** The command that such a process is started by. */
  static List<String> command(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean()
        .getInputArguments()
        .stream()
        .filter(argument -> !argument.equals(QUICK_COMPILER))
        .toList());
    if (!hasVectors()) {
      command.add("--add-modules=" + VECTORS);
      command.addAll(CpuEngine.KEEP_LOOPS_APART);
    }
    command.addAll(List.of("-cp", classPath(), "org.knowcap.experiments.cli.Knowcap"));
    command.addAll(List.of(arguments));
    return command;
  }

  /** The class path; a wildcard for the jars of a folder where they are all of it, as people are shown the command. */
  private static String classPath() {
    String classPath = System.getProperty("java.class.path");
    List<Path> entries = Stream.of(classPath.split(File.pathSeparator))
        .map(entry -> Path.of(entry).toAbsolutePath())
        .toList();
    List<Path> folders = entries.stream().map(entry -> entry.resolveSibling("")).distinct().toList();
    return folders.size() == 1 && entries.stream().allMatch(entry -> entry.toString().endsWith(".jar"))
        ? folders.getFirst().resolve("*").toString()
        : entries.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
  }

  /** What its environment has besides. */
  static Map<String, String> environment(int threads) {
    String number = Integer.toString(threads);
    // Spinning threads of OpenMP and OpenBLAS would fight over the cores: 7 times slower on two.
    return Map.of("OMP_NUM_THREADS", number, "OPENBLAS_NUM_THREADS", number, "OMP_WAIT_POLICY", "passive");
  }
}
