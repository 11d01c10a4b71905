package org.knowcap.experiments.bench.jmh;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The machine's own speed at copying memory, which no generator can beat. One operation is one byte. */
@State(Scope.Thread)
public class CopyBenchmark {
  /** Of each of the two arrays: more than the caches of most processors hold. */
  private static final int BYTES = 128 << 20;

  private final int[] from = new int[BYTES / Integer.BYTES];
  private final int[] to = new int[BYTES / Integer.BYTES];

  /** Copies one array to the other. */
  @Benchmark
  @OperationsPerInvocation(BYTES)
  public int[] copy() {
    System.arraycopy(from, 0, to, 0, from.length);
    return to;
  }
}
