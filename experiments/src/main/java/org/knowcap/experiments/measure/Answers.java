package org.knowcap.experiments.measure;

import java.util.List;
import java.util.OptionalDouble;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.knowcap.generators.corpus.Attribute;

/**
 * For each person and attribute, whether the model gave the right value.
 *
 * @param attributes K of them
 * @param persons numbers of the people
 * @param right [person][attribute]
 */
public record Answers(List<Attribute> attributes, List<Long> persons, boolean[][] right) {
  public Answers {
    attributes = List.copyOf(attributes);
    persons = List.copyOf(persons);
  }

  /**
   * A share of people.
   *
   * @param right of them are right
   * @param people who were asked, at least one
   */
  public record Share(int right, int people) {
    /** The share, from 0 to 1. */
    public double mean() {
      return (double) right / people;
    }

    /** The binomial standard error, with Bessel's correction; absent for one person. */
    public OptionalDouble standardError() {
      return people < 2
          ? OptionalDouble.empty()
          : OptionalDouble.of(Math.sqrt(mean() * (1 - mean()) / (people - 1)));
    }
  }

  /** The share of people whose values are all right. */
  public Share all() {
    return share(i -> IntStream.range(0, attributes.size()).allMatch(k -> right[i][k]));
  }

  /** The share of people whose value of an attribute is right. */
  public Share of(Attribute attribute) {
    int k = attributes.indexOf(attribute);
    return share(i -> right[i][k]);
  }

  private Share share(IntPredicate which) {
    return new Share((int) IntStream.range(0, right.length).filter(which).count(), right.length);
  }
}
