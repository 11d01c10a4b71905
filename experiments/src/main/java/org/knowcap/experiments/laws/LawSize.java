package org.knowcap.experiments.laws;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * A size in which all laws can be run.
 *
 * @param name such as "small"
 * @param choosingSeed seed that learning rates are chosen with
 * @param seeds that R is measured with, at least two; the choosing seed is none of them
 * @param learningRates to choose from, where an arm does not say
 * @param moreRates how many more may be tried where the best is at an end, each twice or half of the one at the end
 * @param study keys of a study that all arms have
 */
public record LawSize(String name, long choosingSeed, List<Long> seeds, List<Double> learningRates,
    int moreRates, ObjectNode study) {
  /** The study of all laws of this size: an output directory belongs to it. */
  public String studyName() {
    return "laws-" + name;
  }
}
