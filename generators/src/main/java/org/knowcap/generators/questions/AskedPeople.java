package org.knowcap.generators.questions;

import java.util.function.LongFunction;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.ForwardingSource;
import org.knowcap.generators.corpus.Source;

/** People of whom each is measured in one question with its answer. */
final class AskedPeople extends ForwardingSource {
  private final long people;
  private final LongFunction<AnnotatedItem> items;
  private final int longest;

  /**
   * @param source in whose vocabulary the questions are
   * @param people how many are asked
   * @param items the question and answer of each
   * @param longest tokens of a text of the corpus
   */
  AskedPeople(Source source, long people, LongFunction<AnnotatedItem> items, int longest) {
    super(source);
    this.people = people;
    this.items = items;
    this.longest = longest;
  }

  @Override
  public long people() {
    return people;
  }

  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return items.apply(person);
  }

  @Override
  public int longestItem() {
    return longest;
  }
}
