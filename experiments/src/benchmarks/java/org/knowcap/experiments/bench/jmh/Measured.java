package org.knowcap.experiments.bench.jmh;

import org.knowcap.experiments.bench.Effort;
import java.util.Collection;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** What the forks of one benchmark measured. */
record Measured(Collection<BenchmarkResult> forks) {
  /** What JMH calls the bytes that an operation allocates. */
  private static final String ALLOCATED = "gc.alloc.rate.norm";

  /**
   * Runs a benchmark in JVMs of its own, with the class path and flags of this one.
   *
   * @param parameters name and value, name and value, ...
   * @throws RunnerException if a JVM fails, or another benchmark is being run on this machine
   */
  static Measured of(Class<?> benchmark, int threads, Effort effort, String... parameters)
      throws RunnerException {
    TimeValue time = TimeValue.milliseconds(effort.milliseconds());
    ChainedOptionsBuilder options = new OptionsBuilder().include(benchmark.getName() + "\\.")
        .threads(threads)
        .forks(effort.forks())
        .warmupIterations(effort.warmUps())
        .warmupTime(time)
        .measurementIterations(effort.measurements())
        .measurementTime(time)
        .addProfiler(GCProfiler.class)
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
    for (int i = 0; i < parameters.length; i += 2) {
      options.param(parameters[i], parameters[i + 1]);
    }
    List<RunResult> results = List.copyOf(new Runner(options.build()).run());
    return new Measured(results.getFirst().getBenchmarkResults());
  }

  /** Operations of all threads in a second: the median of the forks. */
  double operationsPerSecond() {
    return median(fork -> fork.getPrimaryResult().getScore());
  }

  /** Of a count that the benchmark keeps, how much all threads added in a second: the median of the forks. */
  double perSecond(String count) {
    return median(fork -> secondary(fork, count).getScore());
  }

  /** Bytes that an operation allocates: the median of the forks. */
  double allocatedBytes() {
    return median(fork -> secondary(fork, ALLOCATED).getScore());
  }

  private static Result<?> secondary(BenchmarkResult fork, String name) {
    return fork.getSecondaryResults().get(name);
  }

  private double median(ToDoubleFunction<BenchmarkResult> score) {
    double[] sorted = forks.stream().mapToDouble(score).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
