package org.knowcap.experiments.runner;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

  private ChildProcess() {}

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
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    if (!hasVectors()) {
      command.add("--add-modules=" + VECTORS);
      command.addAll(CpuEngine.KEEP_LOOPS_APART);
    }
    command
        .addAll(List.of("-cp", System.getProperty("java.class.path"), "org.knowcap.experiments.cli.Knowcap"));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
    builder.environment().put("OPENBLAS_NUM_THREADS", Integer.toString(threads));
    // Spinning threads of OpenMP and OpenBLAS would fight over the cores: 7 times slower on two.
    builder.environment().put("OMP_WAIT_POLICY", "passive");
    return builder;
  }
}
