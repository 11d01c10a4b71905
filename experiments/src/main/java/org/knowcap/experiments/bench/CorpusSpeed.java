package org.knowcap.experiments.bench;

import java.util.List;

/**
 * How fast a corpus is generated.
 *
 * @param corpus its name
 * @param output "windows", of ids with their successors as training reads them, or "text", of UTF-8
 * @param threads at work
 * @param tokensPerSecond of all threads
 * @param bytesPerSecond of all threads: for windows 4 bytes a token, without its successor; for text its UTF-8
 * @param copyFraction share of the bytes that as many threads copy in memory in that time
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

  /** Bytes that {@code threads} threads copy from one place in memory to another in a second. */
  public record Copy(int threads, double bytesPerSecond) {}
}
