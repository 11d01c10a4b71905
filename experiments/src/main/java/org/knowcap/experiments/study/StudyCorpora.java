package org.knowcap.experiments.study;

import java.util.List;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.generators.corpus.Windows;

/**
 * What a study says of its corpora and of how they are cut into windows, whatever it says of models and training.
 *
 * @param corpora what is learnt
 * @param seeds of its runs, at least one
 * @param windows of the training stream
 */
public record StudyCorpora(List<CorpusSpec> corpora, List<Seeds> seeds, Windows windows) {
  public StudyCorpora {
    corpora = List.copyOf(corpora);
    seeds = List.copyOf(seeds);
  }
}
