package org.knowcap.generators.mixture;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.TrainingStream;
import org.knowcap.generators.corpus.Windows;

/**
 * Two phases of training: first the people before a revision, then the stream after it. Exposures are those of
 * the second phase; the number of exposures in the first phase is fixed.
 */
final class RevisionStream implements TrainingStream {
  private final Source original;
  private final double exposuresBefore;
  private final TrainingStream after;
  private final List<Source> sources;
  /** Windows of the first phase: every window asks, and counting them takes milliseconds. */
  private final Map<Windows, Long> firstPhases = new ConcurrentHashMap<>();

  /**
   * @param original        the people before the revision
   * @param exposuresBefore of each of them in the first phase
   * @param after           the second phase
   */
  RevisionStream(Source original, long exposuresBefore, TrainingStream after) {
    this.original = original;
    this.exposuresBefore = exposuresBefore;
    this.after = after;
    sources = Stream.concat(Stream.of(original), after.sources().stream()).toList();
  }

  @Override
  public List<Source> sources() {
    return sources;
  }

  @Override
  public int sourceOf(long window, Windows windows) {
    long first = firstPhases.getOrDefault(windows, -1L);
    if (first < 0) {
      first = (long) Math.ceil(original.stream().windows(exposuresBefore, windows));
      firstPhases.put(windows, first);
    }
    return window < first ? 0 : 1 + after.sourceOf(window - first, windows);
  }

  @Override
  public Source counted() {
    return after.counted();
  }

  @Override
  public double windows(double exposures, Windows windows) {
    return original.stream().windows(exposuresBefore, windows) + after.windows(exposures, windows);
  }

  @Override
  public double tokens(double exposures) {
    return original.stream().tokens(exposuresBefore) + after.tokens(exposures);
  }

  @Override
  public double items(int source, double exposures) {
    return source == 0 ? original.stream().items(0, exposuresBefore) : after.items(source - 1, exposures);
  }
}
