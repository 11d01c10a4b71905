package org.knowcap.generators.corpus;

/** Some consecutive people of a source, for measuring them apart. */
public final class PeopleRange extends ForwardingSource {
  private final long first;
  private final long count;

  /**
   * @param first number of the first person
   * @param count of the people, at least 1
   */
  public PeopleRange(Source source, long first, long count) {
    super(source);
    this.first = first;
    this.count = count;
  }

  @Override
  public long people() {
    return count;
  }

  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return source.measuringItem(first + person, draw);
  }
}
