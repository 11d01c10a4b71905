package org.knowcap.generators.mixture;

import java.util.List;
import java.util.stream.Stream;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.TrainingStream;

/**
 * Two phases of training: first the people before a revision, then the stream after it. Exposures are those of
 * the second phase; the number of exposures in the first phase is fixed.
 */
final class RevisionStream implements TrainingStream {
  private final double itemsBefore;
  private final double tokensBefore;
  private final TrainingStream after;
  private final List<Source> sources;

  /**
   * @param original        the people before the revision
   * @param exposuresBefore of each of them in the first phase
   * @param after           the second phase
   */
  RevisionStream(Source original, long exposuresBefore, TrainingStream after) {
    itemsBefore = original.stream().items(0, exposuresBefore);
    tokensBefore = original.stream().tokens(exposuresBefore);
    this.after = after;
    sources = Stream.concat(Stream.of(original), after.sources().stream()).toList();
  }

  @Override
  public List<Source> sources() {
    return sources;
  }

  @Override
  public int sourceOf(long window, int contextLength) {
    long first = (long) Math.ceil(tokensBefore / contextLength);
    return window < first ? 0 : 1 + after.sourceOf(window - first, contextLength);
  }

  @Override
  public double tokens(long exposures) {
    return tokensBefore + after.tokens(exposures);
  }

  @Override
  public double items(int source, long exposures) {
    return source == 0 ? itemsBefore : after.items(source - 1, exposures);
  }
}
