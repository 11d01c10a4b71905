package org.knowcap.experiments.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.openjdk.jmh.runner.RunnerException;

/**
 * How fast a corpus is generated.
 *
 * @param corpus its name
 * @param output "windows", of ids with their successors as training reads them, or "text", of UTF-8
 * @param threads at work
 * @param tokensPerSecond of all threads
 * @param bytesPerSecond of all threads: of windows 4 a token, its successor not counted; of text its UTF-8
 * @param copyFraction of the bytes that so many threads copy in memory in that time
 * @param allocatedBytes of a window or a text
 */
public record CorpusSpeed(String corpus, String output, int threads, double tokensPerSecond,
    double bytesPerSecond, double copyFraction, double allocatedBytes) {

  /** One row for each corpus and number of threads. */
  public record Table(List<Copy> copies, List<CorpusSpeed> speeds) {
    /** Keeps copies of the lists. */
    public Table {
      copies = List.copyOf(copies);
      speeds = List.copyOf(speeds);
    }
  }

  /** Bytes that so many threads copy from one place in memory to another in a second. */
  public record Copy(int threads, double bytesPerSecond) {}

  /**
   * Times all corpora.
   *
   * @param threads each of the numbers of threads to do it on
   * @param progress told what comes next
   * @throws RunnerException if a benchmark fails, or another is being run on this machine
   */
  public static Table measure(Effort effort, List<Integer> threads, Consumer<String> progress)
      throws RunnerException {
    List<Copy> copies = new ArrayList<>();
    List<CorpusSpeed> speeds = new ArrayList<>();
    for (int count : threads) {
      String on = count == 1 ? " on one core" : " on " + count + " cores";
      progress.accept("copying memory" + on);
      double copied = Measured.of(CopyBenchmark.class, count, effort).operationsPerSecond();
      copies.add(new Copy(count, copied));
      for (BenchmarkedCorpus each : BenchmarkedCorpus.values()) {
        String name = each.corpus().name();
        progress.accept("windows of " + name + on);
        Measured windows = Measured.of(WindowBenchmark.class, count, effort, "corpus", each.name());
        double tokens = windows.operationsPerSecond();
        speeds.add(new CorpusSpeed(name, "windows", count, tokens, tokens * Integer.BYTES,
            tokens * Integer.BYTES / copied, windows.allocatedBytes() * WindowBenchmark.WINDOW));
      }
      String name = BenchmarkedCorpus.BIO_S.corpus().name();
      progress.accept("text of " + name + on);
      Measured texts = Measured.of(TextBenchmark.class, count, effort);
      double bytes = texts.perSecond("bytes");
      speeds.add(new CorpusSpeed(name, "text", count, texts.perSecond("tokens"), bytes, bytes / copied,
          texts.allocatedBytes()));
    }
    return new Table(copies, speeds);
  }
}
