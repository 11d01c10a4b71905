package org.knowcap.experiments.study;

import java.util.List;
import org.knowcap.analysis.results.Seeds;
import org.knowcap.generators.corpus.Windows;

/**
 * The corpora of a study, and how they are cut into windows, without its models and its training.
 *
 * @param corpora corpora that are learnt
 * @param seeds of its runs, at least one
 * @param windows of the training stream
 */
public record StudyCorpora(List<CorpusSpec> corpora, List<Seeds> seeds, Windows windows) {
  public StudyCorpora {
    corpora = List.copyOf(corpora);
    seeds = List.copyOf(seeds);
  }
}
