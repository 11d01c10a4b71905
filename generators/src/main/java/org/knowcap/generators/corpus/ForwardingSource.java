package org.knowcap.generators.corpus;

import java.util.Map;
import java.util.Set;
import org.knowcap.generators.tokens.Vocabulary;

/** A source that is another one, but for what a subclass overrides. */
public abstract class ForwardingSource implements Source {
  /** The other one. */
  protected final Source source;

  protected ForwardingSource(Source source) {
    this.source = source;
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
  public double meanItemTokens() {
    return source.meanItemTokens();
  }

  @Override
  public ItemLayout layout() {
    return source.layout();
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
  public AnnotatedItem measuringItem(long person, long draw) {
    return source.measuringItem(person, draw);
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
  public boolean repeatsWording() {
    return source.repeatsWording();
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
