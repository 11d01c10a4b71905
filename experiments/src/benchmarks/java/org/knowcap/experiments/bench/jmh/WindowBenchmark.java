package org.knowcap.experiments.bench.jmh;

import java.util.List;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Cursor;
import org.knowcap.generators.corpus.WindowReader;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.ThreadParams;

/** Windows of tokens as training reads them. One operation is one token, with its target. */
@State(Scope.Thread)
public class WindowBenchmark {
  /** The paper's. */
  static final int WINDOW = 512;
  /** Items between the places where two threads begin. */
  private static final long APART = 1_000_003;

  @Param
  public BenchmarkedCorpus corpus;

  private final int[] inputs = new int[WINDOW];
  private final int[] targets = new int[WINDOW];
  private WindowReader reader;

  /** Begins at a place of the thread's own. */
  @Setup
  public void open(ThreadParams thread) {
    Corpus made = corpus.corpus();
    Cursor.Position place = new Cursor.Position(APART * thread.getThreadIndex(), 0);
    List<Cursor.Position> places = made.stream().sources().stream().map(_ -> place).toList();
    reader = new WindowReader(made, WINDOW, new Cursor(0, places));
  }

  /** Reads the next window. */
  @Benchmark
  @OperationsPerInvocation(WINDOW)
  public int[] window() {
    reader.read(inputs, targets, 0);
    return inputs;
  }
}
