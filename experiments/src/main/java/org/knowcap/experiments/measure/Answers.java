package org.knowcap.experiments.measure;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.knowcap.analysis.capacity.SampleSummary;
import org.knowcap.generators.corpus.Attribute;

/**
 * Which values of which people a model said right.
 *
 * @param attributes K of them
 * @param persons numbers of the people
 * @param right [person][attribute]
 * @param population people that these stand for
 */
public record Answers(List<Attribute> attributes, List<Long> persons, boolean[][] right, long population) {
  public Answers {
    attributes = List.copyOf(attributes);
    persons = List.copyOf(persons);
  }

  /** The share of people whose values are all right. */
  public SampleSummary all() {
    return share(i -> IntStream.range(0, attributes.size()).allMatch(k -> right[i][k]));
  }

  /** The share of people whose value of an attribute is right. */
  public SampleSummary of(Attribute attribute) {
    int k = attributes.indexOf(attribute);
    return share(i -> right[i][k]);
  }

  private SampleSummary share(IntPredicate which) {
    return SampleSummary
        .of(IntStream.range(0, right.length).mapToDouble(i -> which.test(i) ? 1 : 0).toArray(), population);
  }
}
