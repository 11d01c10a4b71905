package org.knowcap.generators.corpus;

import java.util.Map;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * A corpus is a function, not a file: item s of its endless training stream depends on nothing but the
 * corpus's parameters and s. An item is the end-of-text token and one text about one person. Instances are
 * immutable and may be shared by threads.
 *
 * <p>The stream goes in rounds. Each round holds every person exactly once, in an order of its own, so that
 * after E rounds every person has had exactly E exposures.
 */
public sealed interface Corpus permits BioS {

  /** As in "bioS(200)". */
  String name();

  /** N. */
  long people();

  /** What all randomness follows from. */
  long seed();

  /** The tokens that can occur. */
  Vocabulary vocabulary();

  /** What there is to know. */
  BitContent bits();

  /** The exact expectation of the number of tokens of an item. */
  double meanItemTokens();

  /** No item has more tokens than this. */
  int longestItem();

  /**
   * The number of joints between pieces of text that GPT-2's own encoding would merge into one token.
   * Pieces are encoded apart, so spans are exact in any case; at 0 the tokens are GPT-2's own.
   */
  int mergingJoints();

  /**
   * Everything that defines the corpus, but for the entries of its lists: plain numbers, strings and maps
   * of them.
   */
  Map<String, Object> parameters();

  /** SHA-256, in hex, of {@link #parameters()} and every list in force: equal digests, equal corpora. */
  String digest();

  /**
   * Writes an item of the training stream.
   *
   * @param sequenceNumber s, 0 or more: round s / N, and place s % N in its order
   * @param target         receives the tokens from {@code offset} on; must have {@link #longestItem()} free
   * @return the number of tokens written
   */
  int write(long sequenceNumber, int[] target, int offset);

  /** The same item, with its spans. */
  Probe annotated(long sequenceNumber);

  /** Whom an item of the training stream is about: 0..N-1. */
  long person(long sequenceNumber);

  /** What is true of a person, in words, as it stands in texts; a name includes all its parts. */
  Map<Attribute, String> values(long person);

  /**
   * An item for measuring. A sentence that would give another's value away comes after it: the employer
   * stands before its city.
   *
   * @param person 0..N-1
   * @param draw   which of the many texts about the person, 0 or more; never one drawn for the training
   *               stream
   */
  Probe probe(long person, long draw);
}
