package org.knowcap.experiments.bench;

import java.nio.charset.StandardCharsets;
import org.knowcap.generators.corpus.Source;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.ThreadParams;

/** Texts of bioS as files hold them. One operation is one text. */
@State(Scope.Thread)
public class TextBenchmark {
  /** Items between the places where two threads begin. */
  private static final long APART = 1_000_003;

  private Source source;
  private int[] tokens;
  private long item;

  /** What was written in all the operations. */
  @State(Scope.Thread)
  @AuxCounters
  public static class Written {
    /** Of UTF-8. */
    public long bytes;
    /** Of the end of text and the text. */
    public long tokens;
  }

  /** Begins at a place of the thread's own. */
  @Setup
  public void open(ThreadParams thread) {
    source = BenchmarkedCorpus.BIO_S.corpus().sources().getFirst();
    tokens = new int[source.longestItem()];
    item = APART * thread.getThreadIndex();
  }

  /** Writes the next text. */
  @Benchmark
  public byte[] text(Written written) {
    int length = source.write(item++, tokens, 0);
    byte[] text = source.vocabulary().decode(tokens, 1, length).getBytes(StandardCharsets.UTF_8);
    written.bytes += text.length;
    written.tokens += length;
    return text;
  }
}
