package org.knowcap.generators.corpus;
import java.util.List;

/**
 * One endless stream of items. An item is the end-of-text token and one text about one person; item s
 * depends on nothing but the source's parameters and s.
 *
 * <p>The stream goes in rounds. Each round holds every person exactly once, in an order of its own, so that
 * after E rounds every person has had exactly E exposures.
 */
public interface Source extends Corpus {

  /** The exact expectation of the number of tokens of an item. */
  double meanItemTokens();

  /**
   * Writes an item of the training stream.
   *
   * @param sequenceNumber s, 0 or more: round s / N, and place s % N in its order
   * @param target         receives the tokens from {@code offset} on; must have {@link #longestItem()}
   *                       free, and what is free behind the item may be overwritten
   * @return the number of tokens written
   */
  default int write(long sequenceNumber, int[] target, int offset) {
    return write(sequenceNumber, person(sequenceNumber), target, offset);
  }

  /**
   * The same, for who knows already whom the item is about.
   *
   * @param person {@link #person} of the item
   */
  int write(long sequenceNumber, long person, int[] target, int offset);

  /** The same item, with its spans. */
  AnnotatedItem annotated(long sequenceNumber);

  /** Whom an item of the training stream is about: 0..N-1. */
  long person(long sequenceNumber);

  /** Whom the items from number {@code first} on are about, as many as {@code target} has room for. */
  void persons(long first, long[] target);

  @Override
  default double tokens(long exposures) {
    return (double) people() * exposures * meanItemTokens();
  }

  @Override
  default double items(int source, long exposures) {
    return (double) people() * exposures;
  }

  @Override
  default List<Source> sources() {
    return List.of(this);
  }

  @Override
  default int sourceOf(long window, int length) {
    return 0;
  }
}
