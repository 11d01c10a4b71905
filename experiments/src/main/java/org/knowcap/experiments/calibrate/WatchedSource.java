package org.knowcap.experiments.calibrate;

import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.GroundTruth;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.corpus.Rounds;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * A source whose measured texts somebody looks at.
 *
 * @param watcher takes a person and a text, and returns the text, or what is to be measured in its place
 */
record WatchedSource(Source source,
    BiFunction<Long, AnnotatedItem, AnnotatedItem> watcher) implements Source {
  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return watcher.apply(person, source.measuringItem(person, draw));
  }

  @Override
  public GroundTruth truth() {
    return source.truth();
  }

  @Override
  public Rounds rounds() {
    return source.rounds();
  }

  @Override
  public ItemLayout layout() {
    return source.layout();
  }

  @Override
  public double meanItemTokens() {
    return source.meanItemTokens();
  }

  @Override
  public int write(long sequenceNumber, long person, int[] target, int offset) {
    return source.write(sequenceNumber, person, target, offset);
  }

  @Override
  public AnnotatedItem annotated(long sequenceNumber) {
    return source.annotated(sequenceNumber);
  }

  @Override
  public Set<Attribute> stated(long person, String text) {
    return source.stated(person, text);
  }

  @Override
  public boolean needsWholeTexts() {
    return source.needsWholeTexts();
  }

  @Override
  public Map<String, Object> parameters() {
    return source.parameters();
  }

  @Override
  public String digest() {
    return source.digest();
  }

  @Override
  public String name() {
    return source.name();
  }

  @Override
  public long seed() {
    return source.seed();
  }

  @Override
  public Vocabulary vocabulary() {
    return source.vocabulary();
  }

  @Override
  public int longestItem() {
    return source.longestItem();
  }
}
