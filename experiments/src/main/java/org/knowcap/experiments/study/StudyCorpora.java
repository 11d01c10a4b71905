package org.knowcap.experiments.study;

import java.util.List;
import org.knowcap.analysis.results.Seeds;

/**
 * What a study says of its corpora and of how they are cut into windows, whatever it says of models and training.
 *
 * @param corpora what is learnt
 * @param seeds of its runs, at least one
 * @param contextLength tokens of a window
 */
public record StudyCorpora(List<CorpusSpec> corpora, List<Seeds> seeds, int contextLength) {
  public StudyCorpora {
    corpora = List.copyOf(corpora);
    seeds = List.copyOf(seeds);
  }
}
