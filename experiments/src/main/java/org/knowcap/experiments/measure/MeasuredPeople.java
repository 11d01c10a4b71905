package org.knowcap.experiments.measure;

import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;

/** The people of a corpus who are measured, each by one text: all, or some of them drawn by the corpus's seed. */
public final class MeasuredPeople {
  /** Keeps the choice of people and the rendering apart from everything else that is drawn from the seed. */
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
   * @param stream another number than any other purpose has
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

  /** The text by which that person is measured. */
  public AnnotatedItem item(long i) {
    return item(i, 0);
  }

  /**
   * A text about that person.
   *
   * @param rendering 0 for the one by which the person is measured; others are independent of it, where the corpus has
   *     several texts about a person
   */
  AnnotatedItem item(long i, int rendering) {
    long person = person(i);
    CounterRandom draws = rendering == 0 ? random : random.child(rendering);
    return corpus.measured().measuringItem(person, draws.bits(person));
  }
}
