package org.knowcap.experiments.calibrate;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.SideMeasurement;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.TrainingStream;

/**
 * A corpus that remembers which texts were measured, so that a stand-in for a model can find out which text it
 * scores.
 */
final class WatchedCorpus implements Corpus {
  /**
   * A text that was measured.
   *
   * @param person number in {@code source}
   */
  record Text(Source source, long person, AnnotatedItem item) {}

  private final Corpus corpus;
  private final long seed;
  private final Map<List<Integer>, Text> texts = new HashMap<>();

  /** @param seed of the choice of people and texts; everything else is the corpus's own */
  WatchedCorpus(Corpus corpus, long seed) {
    this.corpus = corpus;
    this.seed = seed;
  }

  WatchedCorpus(Corpus corpus) {
    this(corpus, corpus.seed());
  }

  private Source watched(Source source) {
    return new WatchedSource(source, (person, item) -> {
      texts.put(key(item.tokens(), 1, item.tokens().length), new Text(source, person, item));
      return item;
    });
  }

  private static List<Integer> key(int[] tokens, int from, int to) {
    return Arrays.stream(tokens, from, to).boxed().toList();
  }

  /**
   * The text of a window.
   *
   * @param targets whose window is {@code from} to {@code from + length - 1}
   * @return empty for a window that only fills the batch
   */
  Optional<Text> text(int[] targets, int from, int length) {
    int end = from;
    while (end < from + length && targets[end] != vocabulary().eos()) {
      end++;
    }
    return Optional.ofNullable(texts.get(key(targets, from, end)));
  }

  @Override
  public Source measured() {
    return watched(corpus.measured());
  }

  @Override
  public List<SideMeasurement> sideMeasurements() {
    return corpus.sideMeasurements()
        .stream()
        .map(each -> new SideMeasurement(each.name(), watched(each.source()), each.attributes(),
            each.uniformBits()))
        .toList();
  }

  @Override
  public Optional<Source> strangers(long most) {
    return corpus.strangers(most).map(this::watched);
  }

  @Override
  public TrainingStream stream() {
    return corpus.stream();
  }

  @Override
  public Map<String, Object> parameters() {
    return corpus.parameters();
  }

  @Override
  public long seed() {
    return seed;
  }
}
