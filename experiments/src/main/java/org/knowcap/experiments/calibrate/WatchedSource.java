package org.knowcap.experiments.calibrate;

import java.util.function.BiFunction;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.ForwardingSource;
import org.knowcap.generators.corpus.Source;

/** A source that passes every measured text to a watcher. */
final class WatchedSource extends ForwardingSource {
  private final BiFunction<Long, AnnotatedItem, AnnotatedItem> watcher;

  /** @param watcher takes a person and a text, and returns this text or another one to measure in its place */
  WatchedSource(Source source, BiFunction<Long, AnnotatedItem, AnnotatedItem> watcher) {
    super(source);
    this.watcher = watcher;
  }

  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return watcher.apply(person, source.measuringItem(person, draw));
  }
}
