package org.knowcap.generators.corpus;

import java.util.Map;
import java.util.Set;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * One endless stream of items. An item is the end-of-text token followed by one text about one person; item s
 * depends only on s and the source's parameters.
 *
 * <p>The stream goes in rounds. Each round has every person exactly once, in an order of its own, so that
 * after E rounds every person has had exactly E exposures. With an {@link Exposure} of its own, E is their mean.
 */
public interface Source extends Corpus {

  /** What is true of the people. */
  GroundTruth truth();

  /** The order of the people in each round. */
  Rounds rounds();

  /** The exact expectation of an item's number of tokens. */
  double meanItemTokens();

  /** How long items are and where they have names and values; takes milliseconds, so keep it rather than ask in a loop. */
  ItemLayout layout();

  /**
   * Writes an item of the training stream.
   *
   * @param sequenceNumber s, 0 or more: round s / N, and position s % N in its order
   * @param person         {@link #person} of the item
   * @param target         receives the tokens from {@code offset} on; must have {@link #longestItem()}
   *                       elements from there, and those behind the item may be overwritten
   * @return the number of tokens written
   */
  int write(long sequenceNumber, long person, int[] target, int offset);

  /** Writes an item of the training stream; finds out first which person it is about. */
  default int write(long sequenceNumber, int[] target, int offset) {
    return write(sequenceNumber, person(sequenceNumber), target, offset);
  }

  /** An item of the training stream with its spans. */
  AnnotatedItem annotated(long sequenceNumber);

  /**
   * An item for measuring. Its text begins as texts do in training. A sentence that would give away another
   * sentence's value comes after that sentence, or its tokens count for that value.
   *
   * @param person 0..N-1
   * @param draw   which of the possible texts about the person, 0 or more; never a text that was drawn for the
   *               training stream, unless the person has only one
   */
  AnnotatedItem measuringItem(long person, long draw);

  /**
   * The attributes whose true values a text about a person states, whoever wrote it. The first statement about an
   * attribute counts.
   *
   * @param person whose values are true
   * @param text   without the end of text, such as a model wrote behind the person's name
   */
  Set<Attribute> stated(long person, String text);

  /**
   * Whether {@link #checkContextLength} refuses windows that are shorter than the longest item. False for
   * sources whose texts are short and much alike.
   */
  default boolean needsWholeTexts() {
    return true;
  }

  /**
   * Whether training repeats the wording of a person's texts, so that a model can learn it by heart beside the values.
   */
  default boolean repeatsWording() {
    return false;
  }

  /** N, the number of people. */
  default long people() {
    return truth().people();
  }

  /** The people's knowledge, counted in bits. */
  default BitContent bits() {
    return truth().bits();
  }

  /** The true values of a person's attributes; see {@link GroundTruth#values}. */
  default Map<Attribute, String> values(long person) {
    return truth().values(person);
  }

  /** The person that an item of the training stream is about, 0..N-1. */
  default long person(long sequenceNumber) {
    return rounds().person(sequenceNumber);
  }

  /** The source itself. */
  @Override
  default Source measured() {
    return this;
  }

  /** The source's items, end to end. */
  @Override
  default TrainingStream stream() {
    return new SingleStream(this);
  }

  @Override
  String digest();

  @Override
  String name();

  @Override
  long seed();

  @Override
  Vocabulary vocabulary();

  @Override
  int longestItem();
}
