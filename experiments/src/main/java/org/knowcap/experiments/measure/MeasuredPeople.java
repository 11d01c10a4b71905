package org.knowcap.experiments.measure;

import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;

/**
 * The people of a corpus who are measured, each in one text: all people, or a sample that the corpus's seed
 * determines.
 */
public final class MeasuredPeople {
  /** The stream of random numbers for the choice of people and texts; nothing else draws from it. */
  private static final long STREAM = 0x6d656173757265L;

  private final Corpus corpus;
  private final int count;
  private final CounterRandom random;
  private final KeyedPermutation chosen;

  private MeasuredPeople(Corpus corpus, int count, long stream) {
    this.corpus = corpus;
    this.count = count;
    random = new CounterRandom(corpus.seed()).child(stream);
    chosen = new KeyedPermutation(random, corpus.measured().people());
  }

  /** @param most people who are measured */
  static MeasuredPeople of(Corpus corpus, long most) {
    return of(corpus, most, STREAM);
  }

  /**
   * People and texts for another purpose, drawn apart from those by which models are measured.
   *
   * @param stream a number that no other purpose uses
   */
  public static MeasuredPeople of(Corpus corpus, long most, long stream) {
    return new MeasuredPeople(corpus, (int) Math.min(most, corpus.measured().people()), stream);
  }

  /** How many people there are. */
  public int count() {
    return count;
  }

  /**
   * The person who is measured as number {@code i}.
   *
   * @return 0..N-1
   */
  long person(long i) {
    return chosen.apply(0, i);
  }

  /** The text in which that person is measured. */
  public AnnotatedItem item(long i) {
    return item(i, 0);
  }

  /**
   * A text about that person.
   *
   * @param rendering 0 for the text in which the person is measured; other numbers give texts that are independent
   *        of it, if the corpus has several texts about a person
   */
  AnnotatedItem item(long i, int rendering) {
    long person = person(i);
    CounterRandom draws = rendering == 0 ? random : random.child(rendering);
    return corpus.measured().measuringItem(person, draws.bits(person));
  }
}
