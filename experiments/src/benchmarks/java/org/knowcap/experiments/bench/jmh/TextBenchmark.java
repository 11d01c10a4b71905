package org.knowcap.experiments.bench.jmh;

import java.io.IOException;
import java.io.OutputStream;
import org.knowcap.generators.export.TextWriter;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.ThreadParams;

/** Texts of bioS as an export writes them, but into nothing. One operation is one text. */
@State(Scope.Thread)
public class TextBenchmark {
  /** Items between the places where two threads begin. */
  private static final long APART = 1_000_003;

  private TextWriter texts;

  /** What was written in all the operations. */
  @State(Scope.Thread)
  @AuxCounters
  public static class Written {
    /** Of UTF-8, ends of lines included. */
    public long bytes;
    /** Of the end of text and the text. */
    public long tokens;
  }

  /** Begins at a place of the thread's own. */
  @Setup
  public void open(ThreadParams thread) {
    texts = new TextWriter(BenchmarkedCorpus.BIO_S.corpus().stream().sources().getFirst(),
        APART * thread.getThreadIndex(), OutputStream.nullOutputStream());
  }

  /** Writes the next text. */
  @Benchmark
  public int text(Written written) throws IOException {
    long before = texts.tokens();
    int bytes = texts.write();
    written.bytes += bytes;
    written.tokens += texts.tokens() - before;
    return bytes;
  }
}
